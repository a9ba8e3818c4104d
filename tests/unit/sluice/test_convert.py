"""Conversations as fetched -> lines of the staging table: the simulated ones against their truth, and odd ones."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.looker.population import Population
from sluice.convert import Converter
from sluice.looker import lenient, prune
from sluice.looker.conversations import Conversation, Listed, Unreadable, timestamp
from sluice.looker.window import Window
from sluice.report import Row
from sluice.warehouse import rows
from sluice.warehouse.definitions import schema, staging_schema
from tests.unit.sluice.documents import anything, names

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
WINDOW = Window("42", NOON, NOON)
LISTED = Listed("c1", NOON, deleted=False)
WHOLE: dict[str, Any] = {
    "id": "c1",
    "user_id": "42",
    "created_at": "2026-10-31T23:30:00.000-02:00",
    "updated_at": "2026-11-01T12:00:00.000Z",
}


def converted(fields: dict[str, Any], messages: list[Any] | None = None, limit: int = 1024 * 1024) -> Row:
    found = Conversation(LISTED, fields, messages or [], b"b" * 100, NOON)
    row, size = Converter("run", limit)(WINDOW, found)
    assert size == row.size
    return row


def line(row: Row) -> dict[str, Any]:
    (text,) = row.lines
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    read: dict[str, Any] = json.loads(text)
    return read


@pytest.mark.parametrize("seed", [1, 2])
def test_the_simulated_population_becomes_its_truth(seed: int) -> None:
    population = Population(seed=seed, users=5, conversations=40, mean_kb=2.0, now=NOON)
    for user in population.users:
        for conversation in population.conversations_of(user.key):
            body = conversation.body()
            parts = lenient.document(body)
            messages = [prune.canonical(each) for each in lenient.elements(parts.pop("messages"))]
            fields = {key: lenient.loads(value) for key, value in parts.items()}
            listed = Listed(conversation.id, conversation.updated_at, conversation.deleted)
            row, _ = Converter("run", 1024 * 1024)(WINDOW, Conversation(listed, fields, messages, body, NOON))
            expected = population.expected(conversation.id)
            written = line(row)
            for column in ("created_at", "updated_at"):
                assert timestamp(written.pop(column)) == expected.pop(column)
            assert written.pop("ingested_at") == "2026-11-01T12:00:00.000000Z"
            assert written.pop("raw_bytes") == row.raw_bytes == len(body)
            compact = json.dumps(expected["messages"], ensure_ascii=False, separators=(",", ":")).encode()
            assert written.pop("stored_bytes") == row.stored_bytes == len(compact)
            assert written == {
                "kind": "conversation",
                "run_id": "run",
                **{key: value for key, value in expected.items() if value is not None},
            }
            assert (row.agent_id, row.day) == (expected["agent_id"] or "", conversation.created_at.date().isoformat())
            assert (row.messages, row.rejected, row.texts_cut) == (len(messages), False, 0)


def test_what_has_no_column_is_extra() -> None:
    fields = {
        **WHOLE,
        "can": {"show": True},
        "new_field": [1],
        "extra": "theirs",
        "message_count": 9,
        "run_id": "theirs",
    }
    written = line(converted(fields))
    assert written["extra"] == {
        "can": {"show": True},
        "new_field": [1],
        "extra": "theirs",
        "message_count": 9,
        "run_id": "theirs",
    }
    assert (written["message_count"], written["run_id"]) == (0, "run")
    assert "extra" not in line(converted(WHOLE))


@pytest.mark.parametrize("value", ["text", 7, True, 1.5])
def test_a_json_column_gets_no_bare_value(value: Any) -> None:
    written = line(converted({**WHOLE, "sources": value, "conversation_agent": {"id": 1}}))
    assert written["extra"] == {"sources": value}
    assert written["conversation_agent"] == {"id": 1}


@pytest.mark.parametrize("missing", [None, ""])
def test_ids_that_are_missing_are_those_it_was_asked_for_by(missing: str | None) -> None:
    written = line(converted({**WHOLE, "id": missing, "user_id": missing}))
    assert (written["id"], written["user_id"]) == ("c1", "42")
    assert line(converted({**WHOLE, "id": 7, "user_id": 9}))["id"] == "7"


def test_the_day_is_that_of_utc() -> None:
    assert converted(WHOLE).day == "2026-11-01"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"created_at": None}, "created_at is missing"),
        ({"updated_at": None}, "updated_at is missing"),
        ({"created_at": "yesterday"}, "created_at is not a valid TIMESTAMP"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at is not a valid TIMESTAMP"),
        ({"deleted": "yes"}, "deleted is not a valid BOOL"),
        ({"name": {"de": "x"}}, "name is not a valid STRING"),
        ({"id": ["c1"]}, "id is not a valid STRING"),
    ],
)
def test_what_cannot_be_a_row_is_rejected_whole(fields: dict[str, Any], reason: str) -> None:
    row = converted(WHOLE | fields)
    assert row.rejected
    assert line(row) == {
        "kind": "reject",
        "id": "c1",
        "user_id": "42",
        "updated_at": "2026-11-01T12:00:00.000000Z",
        "reason": reason,
        "raw": "b" * 100,
        "part": 1,
        "parts": 1,
        "run_id": "run",
        "ingested_at": "2026-11-01T12:00:00.000000Z",
    }
    assert (row.raw_bytes, row.stored_bytes, row.messages) == (100, 0, 0)


@pytest.mark.parametrize(
    "created_at", ["1969-12-31T23:59:59.999999Z", "2160-01-01T00:00:00", "1970-01-01T00:00:00+01:00"]
)
def test_a_day_without_a_partition_is_rejected(created_at: str) -> None:
    row = converted(WHOLE | {"created_at": created_at})
    assert line(row)["reason"] == "created_at is not within 1970-01-01 and 2159-12-31"


@pytest.mark.parametrize("created_at", ["1970-01-01T00:00:00Z", "2159-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_day_are_rows(created_at: str) -> None:
    assert not converted(WHOLE | {"created_at": created_at}).rejected


@pytest.mark.parametrize(
    ("fields", "of"),
    [
        ({}, {"id": "c1", "user_id": "42", "updated_at": "2026-11-01T12:00:00.000000Z"}),
        # What the body says, as in the row itself.
        (
            {"user_id": "7", "updated_at": "2026-11-01T14:00:00+01:00"},
            {"id": "c1", "user_id": "7", "updated_at": "2026-11-01T13:00:00.000000Z"},
        ),
        # A reject is known by what the listing said.
        ({"created_at": None}, {"id": "c1", "user_id": "42", "updated_at": "2026-11-01T12:00:00.000000Z"}),
    ],
)
def test_a_tiny_line_says_that_a_row_was_sent(fields: dict[str, Any], of: dict[str, Any]) -> None:
    row = converted(WHOLE | fields)
    shared = {"run_id": "run", "ingested_at": "2026-11-01T12:00:00.000000Z"}
    assert json.loads(row.sent) == {"kind": "sent", **of, **shared}
    assert row.sent.endswith(b"}\n")
    assert {name: json.loads(row.lines[0])[name] for name in of} == of


def test_the_lines_of_a_large_reject_are_made_one_by_one() -> None:
    body = b"x" * 9_000_000
    row, size = Converter("run", 1024)(WINDOW, Unreadable(LISTED, "not valid JSON", body, NOON))
    assert (len(row.lines), size) == (3, len(body))
    assert iter(row.lines) is not iter(row.lines)
    written = [json.loads(each) for each in row.lines]
    assert [(each["part"], each["parts"], len(each["raw"])) for each in written] == [
        (1, 3, 4_000_000),
        (2, 3, 4_000_000),
        (3, 3, 1_000_000),
    ]


def test_what_is_nested_beyond_writing_is_rejected() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert line(converted(WHOLE, [deep]))["reason"] == "nested too deep to be read"
    assert line(converted({**WHOLE, "odd": deep}))["reason"] == "nested too deep to be read"


def test_an_unreadable_body_is_rejected_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PART_CHARACTERS", 10)
    body = "{äöü\udcff".encode("utf-8", "surrogateescape") + b"x" * 20
    row, size = Converter("run", 1024)(
        WINDOW, Unreadable(Listed("c1", None, deleted=False), "not valid JSON", body, NOON)
    )
    written = [json.loads(each) for each in row.lines]
    assert size == sum(len(each) for each in row.lines)
    assert row.rejected
    assert "".join(each["raw"] for each in written) == "{äöü\\xff" + "x" * 20
    assert [(each["part"], each["parts"]) for each in written] == [(1, 3), (2, 3), (3, 3)]
    assert "updated_at" not in written[0]


def test_a_rejected_body_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"\xff" + b"x" * 5000
    row, _ = Converter("run", 1024)(WINDOW, Unreadable(LISTED, "not valid JSON", body, NOON))
    assert json.loads(row.lines[0])["raw"] == "\\xff" + "x" * 5000


def test_cut_texts_are_counted() -> None:
    row = converted({**WHOLE, "name": "n" * 2000}, [{"text": "t" * 2000}, {"text": "short"}], limit=1024)
    assert row.texts_cut == 2
    assert line(row)["name"].endswith("[cut: 976 more bytes]")


COLUMNS = [field.name for field in schema("conversations")]


@given(st.dictionaries(st.sampled_from(COLUMNS) | names, anything, max_size=6), st.lists(anything, max_size=3))
def test_any_conversation_becomes_a_row_or_a_reject(fields: dict[str, Any], messages: list[Any]) -> None:
    row = converted(WHOLE | fields, messages)
    known = {field.name for field in staging_schema()}
    for text in row.lines:
        assert text.count(b"\n") == 1
        assert json.loads(text).keys() <= known
    if not row.rejected:
        assert line(row)["message_count"] == len(messages)
