"""Splitting several levels in one scan: the same value comes out, however deep it was split."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.looker import lenient
from sluice.looker.lenient import DEEPEST
from tests.unit.sluice.documents import texts_of, values

DEPTHS = range(DEEPEST + 1)


def unread(part: Any) -> int:
    """How many levels of objects lie above the first unread piece, or above the end."""
    return 1 + max(map(unread, part.values()), default=0) if isinstance(part, dict) else 0


@given(
    st.dictionaries(st.text("abc", max_size=3), values(st.text("abc", max_size=3)), max_size=4), st.sampled_from(DEPTHS)
)
def test_the_depth_changes_nothing(document: dict[str, Any], depth: int) -> None:
    raw = msgspec.Raw(texts_of(document))
    try:
        shallow = {key: lenient.loads(part) for key, part in lenient.members(raw).items()}
    except msgspec.DecodeError:  # half a surrogate pair, which `document` mends before anything is split
        with pytest.raises(msgspec.DecodeError):
            lenient.members(raw, depth)
        return
    assert lenient.loads(lenient.members(raw, depth)) == shallow


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_split_goes_down_as_many_levels_as_asked(depth: int) -> None:
    document: Any = {"bottom": 1}
    for _ in range(10):
        document = {"down": document}
    assert unread(lenient.members(msgspec.Raw(json.dumps(document).encode()), depth)) == depth + 1


@pytest.mark.parametrize(("text", "value"), [("1e400", "1e400"), ("9" * 5000, "9" * 5000), ("-1e999", "-1e999")])
@pytest.mark.parametrize("depth", DEPTHS)
def test_a_number_that_a_strict_reader_refuses_is_read_all_the_same(text: str, value: str, depth: int) -> None:
    raw = msgspec.Raw(f'{{"near": {text}, "far": {{"deep": {{"deeper": {text}}}}}}}'.encode())
    assert lenient.loads(lenient.members(raw, depth)) == {"near": value, "far": {"deep": {"deeper": value}}}


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", [1, {"a": 2}], {"a": {"b": [None]}}])
def test_what_is_split_already_is_taken_as_it_is(value: Any) -> None:
    raw = msgspec.Raw(json.dumps({"part": {"value": value}}).encode())
    part = lenient.members(lenient.members(raw, DEEPEST)["part"])["value"]
    assert lenient.loads(part) == value
    assert lenient.is_object(part) == isinstance(value, dict)
    assert lenient.is_array(part) == isinstance(value, list)
    assert lenient.is_null(part) == (value is None)
    assert {key: lenient.loads(each) for key, each in lenient.members(part).items()} == (
        value if isinstance(value, dict) else {}
    )
    assert [lenient.loads(each) for each in lenient.elements(part)] == (value if isinstance(value, list) else [])


def test_null_is_null_read_or_unread() -> None:
    assert lenient.is_null(None)
    assert lenient.is_null(msgspec.Raw(b"null"))
    assert not lenient.is_null(msgspec.Raw(b"[]"))
    assert not lenient.is_null("null")


@pytest.mark.parametrize("text", [b'{"n": 7, "messages": null}', b'{"n": 1e400, "messages": null}'])
def test_a_document_with_and_without_numbers_is_read_alike(text: bytes) -> None:
    parts = lenient.document(text)
    assert lenient.is_null(parts["messages"])
    assert lenient.loads(parts["n"]) in (7, "1e400")
