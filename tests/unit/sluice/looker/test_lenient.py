import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.looker import lenient
from tests.unit.sluice.documents import texts_of, values


def read(body: bytes) -> dict[str, Any]:
    return {key: lenient.loads(value) for key, value in lenient.document(body).items()}


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values(st.text("ab")), max_size=4))
def test_a_document_is_read_as_the_standard_library_reads_it(document: dict[str, Any]) -> None:
    ascii_only = json.dumps(document)
    if "\\ud" not in ascii_only:
        assert read(ascii_only.encode()) == document
        assert read(json.dumps(document, ensure_ascii=False, indent=2).encode()) == document


@given(st.binary(max_size=40) | values().map(texts_of))
def test_whatever_comes_is_read_or_refused_with_a_value_error(body: bytes) -> None:
    try:
        parts = read(body)
    except ValueError:
        return
    assert isinstance(parts, dict)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'"a"', b"{", b'{"a": 1', b'{"a": 1}}', b'{"a": "\x01"}', b"\xff"]
)
def test_what_is_no_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        lenient.document(body)


def test_what_is_nested_too_deep_is_a_recursion_error() -> None:
    with pytest.raises(RecursionError):
        lenient.document(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e400}', "1e400"),
        (b'{"a": -1e400}', "-1e400"),
        (b'{"a": 1e-400}', 0.0),
        (b'{"a": 123456789012345678901234567890}', 123456789012345678901234567890),
        (b'{"a": %s}' % (b"9" * 4300), int("9" * 4300)),
        (b'{"a": -%s}' % (b"9" * 4299), -int("9" * 4299)),
        (b'{"a": %s}' % (b"9" * 4301), "9" * 4301),
        (b'{"a": [1, NaN, %s]}' % (b"9" * 4300), [1, "NaN", int("9" * 4300)]),
        (b'{"a": "\\ud83d\\ude00"}', "\U0001f600"),
        (b'{"a": "x\\ud83d y"}', "x� y"),
        (b'{"a": "x\\ude00\\ud83d"}', "x��"),
        (b'{"a": {"\\ud83d": ["\\ude00"]}}', {"�": ["�"]}),
        (b'{"a": [1 , {"b" :null } ]}', [1, {"b": None}]),
        (b'{"a": 1, "a": 2}', 2),
    ],
)
def test_what_strict_readers_refuse_is_read(body: bytes, value: Any) -> None:
    assert read(body) == {"a": value}
    padded = body[:-1] + b', "pad": "%s"}' % (b" " * 100)
    assert read(padded)["a"] == value


def test_text_that_is_not_utf_8_is_a_value_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        read(b'{"a": "\xff"}')


def test_members_and_elements_of_anything_else_are_none() -> None:
    for text in (b"1", b'"a"', b"null", b"true"):
        raw = msgspec.Raw(text)
        assert not lenient.is_object(raw)
        assert not lenient.is_array(raw)
        assert lenient.members(raw) == {}
        assert lenient.elements(raw) == []
    assert lenient.members(None) == {}
    assert lenient.elements(None) == []
    assert lenient.members(msgspec.Raw(b"[1]")) == {}
    assert lenient.elements(msgspec.Raw(b'{"a": 1}')) == []
    assert [lenient.loads(each) for each in lenient.elements(msgspec.Raw(b'[1, "b"]'))] == [1, "b"]
