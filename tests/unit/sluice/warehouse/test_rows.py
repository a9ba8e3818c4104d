import json
import math
import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from google.cloud.bigquery import SchemaField
from hypothesis import given
from hypothesis import strategies as st

from sluice.warehouse import rows
from sluice.warehouse.definitions import staging_schema
from sluice.warehouse.rows import MAX_DEPTH, Encoded, Encoder, Parts, RowError, encode_array, encode_json
from tests.unit.sluice.documents import anything

LIMIT = 1_000_000
COLUMNS = [
    SchemaField("id", "STRING", "REQUIRED"),
    SchemaField("count", "INT64"),
    SchemaField("flag", "BOOL"),
    SchemaField("at", "TIMESTAMP"),
    SchemaField("body", "JSON"),
]


def clean(value: Any, limit: int = LIMIT) -> Any:
    return rows._Cleaner(limit).clean(value)


def nested(depth: int, bottom: Any = 1) -> Any:
    for level in range(depth):
        bottom = [bottom] if level % 2 else {"a": bottom}
    return bottom


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(anything)
def test_encoding_is_encoding_what_is_clean(value: Any) -> None:
    assert encode_json(value, LIMIT) == encode_json(clean(value), LIMIT)
    assert json.loads(encode_json(value, LIMIT).text) == clean(value)


@given(anything)
def test_what_is_clean_is_left_as_it_is(value: Any) -> None:
    assert clean(clean(value)) == clean(value)


@given(st.dictionaries(st.sampled_from(["id", "body"]), anything), st.lists(anything, max_size=4))
def test_a_line_is_one_json_object_with_one_newline(row: dict[str, Any], body: list[Any]) -> None:
    line = Encoder(COLUMNS, LIMIT).encode({"id": json.dumps(row), "body": body}).text
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"id": json.dumps(row), "body": clean(body)}


@given(st.lists(anything, max_size=5))
def test_an_array_is_its_elements(values: list[Any]) -> None:
    whole = encode_array(values, LIMIT)
    assert json.loads(whole.text) == [clean(value) for value in values]
    assert whole.cut == 0


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x\ud83d", "x\ufffd"),
        ({"\udead": ["\ud83d\ude00", "\ude00\ud83d"]}, {"\ufffd": ["\U0001f600", "\ufffd\ufffd"]}),
        (2**63 - 1, 2**63 - 1),
        (2**64 - 1, 2**64 - 1),
        (2**64, str(2**64)),
        (-(2**63), -(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        ({"n": [10**40]}, {"n": [str(10**40)]}),
        ("9" * 30, "9" * 30),
        (0.1, 0.1),
        (1e300, 1e300),
        (True, True),
        (None, None),
        ("\x00 \x1f \u2028", "\x00 \x1f \u2028"),
        ({}, {}),
    ],
)
def test_what_bigquery_refuses_is_mended_visibly(value: Any, kept: Any) -> None:
    assert json.loads(encode_json(value, LIMIT).text) == kept


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_are_not_finite_become_text(value: float) -> None:
    assert json.loads(encode_json([value], LIMIT).text) == [str(value)]


@pytest.mark.parametrize("depth", [1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 1000, 5000])
def test_what_is_nested_too_deep_becomes_text(depth: int) -> None:
    value = nested(depth)
    kept = json.loads(encode_json(value, LIMIT).text)
    assert depth_of(kept) == min(depth, MAX_DEPTH)
    if depth <= MAX_DEPTH:
        assert kept == value
    else:
        below, bottom = value, kept
        while isinstance(bottom, dict | list):
            below, bottom = (each["a"] if isinstance(each, dict) else each[0] for each in (below, bottom))
        assert json.loads(bottom) == below


def test_what_is_nested_beyond_reading_is_a_row_error() -> None:
    with pytest.raises(RowError, match="nested too deep"):
        encode_json(nested(100_000), LIMIT)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a" * 10, "a" * 10),
        ("a" * 11, "a" * 10 + "…[cut: 1 more bytes]"),
        ("ä" * 5, "ä" * 5),
        ("ä" * 6, "ä" * 5 + "…[cut: 2 more bytes]"),
        ("a" + "ä" * 5, "a" + "ä" * 4 + "…[cut: 1 more bytes]"),
        ("\U0001f600" * 3, "\U0001f600" * 2 + "…[cut: 2 more bytes]"),
    ],
)
def test_long_texts_are_cut_at_a_character_and_counted(text: str, kept: str) -> None:
    encoded = encode_json({"a": [text], text: 1}, 10)
    assert json.loads(encoded.text) == {"a": [kept], kept: 1}
    assert encoded.cut == (0 if text == kept else 2)
    assert encode_array([text, "b", text], 10).cut == encoded.cut
    assert Encoder(COLUMNS, 10).encode({"id": text, "body": [text]}).cut == encoded.cut


def column(name: str, value: Any) -> Any:
    return json.loads(Encoder(COLUMNS, LIMIT).encode({"id": "1", name: value}).text).get(name, "left out")


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("id", "x", "x"),
        ("id", 7, "7"),
        ("id", 7.5, "7.5"),
        ("count", 0, 0),
        ("count", -(2**63), -(2**63)),
        ("flag", False, False),
        ("at", datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000000Z"),
        ("at", datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "2026-01-01T00:00:00.000000Z"),
        ("at", "2026-01-01T00:00:00.123Z", "2026-01-01T00:00:00.123000Z"),
        ("at", "2026-01-01T00:00:00.123456789+01:00", "2025-12-31T23:00:00.123456Z"),
        ("at", "2026-01-01T00:00:00", "2026-01-01T00:00:00.000000Z"),
        ("body", {"a": None}, {"a": None}),
        ("body", Encoded(b'[{"a":1}]'), [{"a": 1}]),
        ("body", None, "left out"),
        ("at", None, "left out"),
    ],
)
def test_values_that_fit_their_columns(name: str, value: Any, written: Any) -> None:
    assert column(name, value) == written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", True),
        ("id", {"a": 1}),
        ("id", []),
        ("count", "7"),
        ("count", 7.0),
        ("count", True),
        ("count", 2**63),
        ("flag", 1),
        ("flag", "true"),
        ("at", "yesterday"),
        ("at", 1790000000),
        ("at", date(2026, 1, 1)),
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", {"a": 1}),
    ],
)
def test_values_that_do_not_fit_name_their_column_and_not_themselves(name: str, value: Any) -> None:
    with pytest.raises(RowError, match=f"^{name} is not a valid [A-Z0-9]+$"):
        column(name, value)


def test_a_required_value_must_be_there() -> None:
    for row in ({}, {"id": None}):
        with pytest.raises(RowError, match=r"^id is missing$"):
            Encoder(COLUMNS, LIMIT).encode(row)


def test_a_key_that_is_no_column_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        Encoder(COLUMNS, LIMIT).encode({"id": "1", "nonsense": 1})


def test_a_line_that_bigquery_would_not_take_is_a_row_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROW_BYTES", 1000)
    Encoder(COLUMNS, LIMIT).encode({"id": "1", "body": ["x" * 900]})
    with pytest.raises(RowError, match=r"the row has 10\d\d bytes"):
        Encoder(COLUMNS, LIMIT).encode({"id": "1", "body": ["x" * 1000]})


def test_a_row_and_the_one_that_is_held_fit_into_bigquery_together() -> None:
    """100 MB, as BigQuery holds them, not as they are written."""
    body = Encoder([SchemaField("body", "JSON")], 50_000_000)
    assert len(body.encode({"body": ["x" * 39_000_000]}).text) > 39_000_000
    with pytest.raises(RowError, match="the row has 4"):
        body.encode({"body": ["x" * 41_000_000]})
    # A number of one digit takes two bytes as text.
    body.encode({"body": [1] * 3_000_000})
    with pytest.raises(RowError, match="the row has 5"):
        body.encode({"body": [1] * 5_000_000})


def test_a_column_holds_no_more_levels_than_bigquery_takes() -> None:
    for depth in (498, 499, 500, 501, 1000):
        assert depth_of(json.loads(encode_array([nested(depth), "x"], LIMIT).text)) == min(depth + 1, 500)


def test_a_time_without_a_zone_is_utc_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert column("at", "2026-11-01T12:00:00") == "2026-11-01T12:00:00.000000Z"
        assert column("at", datetime(2026, 11, 1, 12)) == "2026-11-01T12:00:00.000000Z"  # noqa: DTZ001 -- on purpose
    finally:
        monkeypatch.undo()
        time.tzset()


def test_every_type_of_our_tables_can_be_written() -> None:
    assert {field.field_type for field in staging_schema()} <= {*rows._SCALARS, "JSON"}


@given(st.binary(max_size=200))
def test_the_parts_of_a_body_are_the_body(body: bytes) -> None:
    assert "".join(Parts(body)).encode() == body.decode("utf-8", "backslashreplace").encode()


def test_a_long_body_is_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PART_CHARACTERS", 4)
    for body, pieces in (
        ("äbcdefghi".encode(), ["äbcd", "efgh", "i"]),
        (b"abcd", ["abcd"]),
        (b"abcdefgh", ["abcd", "efgh"]),
        (b"", [""]),
        (b"a\xff", ["a\\xf", "f"]),
        ("abc😀d".encode(), ["abc😀", "d"]),
    ):
        assert (list(Parts(body)), len(Parts(body))) == (pieces, len(pieces))
