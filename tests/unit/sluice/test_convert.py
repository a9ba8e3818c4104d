"""Conversations as fetched -> lines of the staging table: the simulated ones against their truth, and odd ones."""

import hashlib
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
    ("sent", "read"),
    [
        ("2026-10-31 23:30:00 UTC", "2026-10-31T23:30:00.000000Z"),
        (1793489400, "2026-10-31T23:30:00.000000Z"),
        (1793489400123, "2026-10-31T23:30:00.123000Z"),
        (1793489400123456, "2026-10-31T23:30:00.123456Z"),
        ({"seconds": "1793489400", "nanos": 5000}, "2026-10-31T23:30:00.000005Z"),
        ("2026-10-31", "2026-10-31T00:00:00.000000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
        ("2159-12-31T23:59:59.999999Z", "2159-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_are_read_as_what_they_are(sent: Any, read: str) -> None:
    row = converted({**WHOLE, "created_at": sent, "updated_at": sent})
    assert (line(row)["created_at"], line(row)["updated_at"], row.day) == (read, read, read[:10])
    assert "extra" not in line(row)


@pytest.mark.parametrize("sent", [None, "yesterday", [1], 17])
def test_an_update_that_cannot_be_read_is_that_of_the_listing(sent: Any) -> None:
    written = line(converted({**WHOLE, "updated_at": sent}))
    assert written["updated_at"] == "2026-11-01T12:00:00.000000Z"
    assert written.get("extra") == (None if sent is None else {"updated_at": sent})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("deleted", "true"), ("missing_agent", "no"), ("name", ["a"]), ("name", {"de": "x"}), ("category", True)),
        *(("agent_id", [1]), ("user_id", {"id": 1}), ("id", ["c1"])),
    ],
)
def test_an_optional_value_of_another_kind_is_extra(name: str, value: Any) -> None:
    written = line(converted({**WHOLE, name: value}))
    known = {"id": "c1", "user_id": "42", "deleted": False}
    assert written.get(name) == known.get(name)
    assert written["extra"] == {name: value}


SECRET = "ya29.a-token-of-the-request"


def rejected(fields: dict[str, Any], *, keep_raw_rejects: bool = False) -> dict[str, Any]:
    found = Conversation(LISTED, WHOLE | fields, [{"id": "m"}], b"b" * 100, NOON)
    row, size = Converter("run", 1024 * 1024, keep_raw_rejects=keep_raw_rejects)(WINDOW, found)
    assert (row.rejected, size) == (True, row.size)
    assert (row.raw_bytes, row.stored_bytes, row.messages) == (100, 0, 0)
    return line(row)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"created_at": None}, "created_at is missing"),
        ({"created_at": "yesterday"}, "created_at is not a valid TIMESTAMP"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at is not a valid TIMESTAMP"),
        (
            {"created_at": "1969-12-31T23:59:59Z"},
            "created_at is outside 1970 to 2159, which BigQuery does not partition",
        ),
        (
            {"created_at": "2160-01-01T00:00:00Z"},
            "created_at is outside 1970 to 2159, which BigQuery does not partition",
        ),
    ],
)
def test_what_cannot_be_a_row_is_rejected_pruned(fields: dict[str, Any], reason: str) -> None:
    written = rejected({**fields, "credentials": {"token": SECRET}})
    assert json.loads(written.pop("raw")) == {**WHOLE, **fields, "messages": [{"id": "m"}]}
    assert written == {
        "kind": "reject",
        "id": "c1",
        "user_id": "42",
        "updated_at": "2026-11-01T12:00:00.000000Z",
        "reason": reason,
        "bytes": 100,
        "sha256": hashlib.sha256(b"b" * 100).hexdigest(),
        "part": 1,
        "parts": 1,
        "run_id": "run",
        "ingested_at": "2026-11-01T12:00:00.000000Z",
    }


def test_a_reject_is_kept_as_it_came_where_that_is_wanted() -> None:
    assert rejected({"created_at": None}, keep_raw_rejects=True)["raw"] == "b" * 100


def test_without_a_time_anywhere_there_is_no_row() -> None:
    found = Conversation(Listed("c1", None, deleted=False), {**WHOLE, "updated_at": "soon"}, [], b"{}", NOON)
    assert line(Converter("run", 1024)(WINDOW, found)[0])["reason"] == "updated_at is missing"


@pytest.mark.parametrize(
    "created_at", ["1969-12-31T23:59:59.999999Z", "2160-01-01T00:00:00", "1970-01-01T00:00:00+01:00"]
)
def test_a_day_without_a_partition_is_rejected(created_at: str) -> None:
    row = converted(WHOLE | {"created_at": created_at})
    assert line(row)["reason"] == "created_at is outside 1970 to 2159, which BigQuery does not partition"


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
    sent, written = json.loads(row.sent), json.loads(row.lines[0])
    assert row.sent.endswith(b"}\n")
    assert sent.pop("kind") == "sent"
    for name in ("updated_at", "ingested_at"):
        assert sent[name].endswith("Z")
        assert timestamp(sent[name]) == timestamp(written[name])
    assert sent == {**of, "updated_at": sent["updated_at"], "run_id": "run", "ingested_at": sent["ingested_at"]}
    assert {name: written[name] for name in of} == of


def test_a_tiny_line_is_written_as_its_row_is() -> None:
    row = converted(WHOLE | {"id": 7, "user_id": "x\ud83d", "updated_at": "2026-11-01T12:00:00.123456789Z"})
    sent, written = json.loads(row.sent), json.loads(row.lines[0])
    assert {name: sent[name] for name in ("id", "user_id", "updated_at")} == {
        "id": "7",
        "user_id": "x\ufffd",
        "updated_at": "2026-11-01T12:00:00.123456Z",
    }
    assert {name: written[name] for name in sent if name != "kind"} == {
        name: value for name, value in sent.items() if name != "kind"
    }


def test_the_lines_of_a_large_reject_are_made_one_by_one() -> None:
    body = b"x" * 9_000_000
    converter = Converter("run", 1024, keep_raw_rejects=True)
    row, size = converter(WINDOW, Unreadable(LISTED, "not valid JSON", body, NOON))
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
    for found in (converted(WHOLE, [deep]), converted({**WHOLE, "odd": deep})):
        assert line(found)["reason"] == "nested too deep to be read"
        assert "raw" not in line(found)


def test_a_body_that_cannot_be_read_is_not_kept_unless_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PART_CHARACTERS", 10)
    body = "{äöü\udcff".encode("utf-8", "surrogateescape") + b"x" * 20
    found = Unreadable(Listed("c1", None, deleted=False), "not valid JSON", body, NOON)
    without = line(Converter("run", 1024)(WINDOW, found)[0])
    assert (without.get("raw"), without["bytes"], without["reason"]) == (None, len(body), "not valid JSON")
    row, size = Converter("run", 1024, keep_raw_rejects=True)(WINDOW, found)
    written = [json.loads(each) for each in row.lines]
    assert size == sum(len(each) for each in row.lines)
    assert row.rejected
    assert "".join(each["raw"] for each in written) == "{äöü\\xff" + "x" * 20
    assert [(each["part"], each["parts"]) for each in written] == [(1, 3), (2, 3), (3, 3)]
    assert "updated_at" not in written[0]


def test_a_rejected_body_is_not_cut() -> None:
    body = b"\xff" + b"x" * 5000
    found = Unreadable(LISTED, "not valid UTF-8", body, NOON)
    row, _ = Converter("run", 1024, keep_raw_rejects=True)(WINDOW, found)
    assert json.loads(row.lines[0])["raw"] == "\\xff" + "x" * 5000


def test_what_has_no_body_is_rejected_without_one() -> None:
    for keep in (False, True):
        row, _ = Converter("run", 1024, keep_raw_rejects=keep)(WINDOW, Unreadable(LISTED, "refused: HTTP 403"))
        written = line(row)
        assert (written["reason"], written["part"], written["parts"]) == ("refused: HTTP 403", 1, 1)
        assert written.keys().isdisjoint({"raw", "bytes", "sha256"})


def test_the_rest_of_a_body_is_kept_without_its_secrets() -> None:
    rest = {"id": "c1", "messages": {"note": "kept", "debugInfo": {"request": SECRET}}}
    row, _ = Converter("run", 1024)(WINDOW, Unreadable(LISTED, "messages is not an array", b"{}", NOON, rest))
    assert json.loads(line(row)["raw"]) == {"id": "c1", "messages": {"note": "kept"}}


@pytest.mark.parametrize(
    "fields",
    [
        {"conversation_agent": {"id": "a", "oauth": {"token": SECRET}}},
        {"sources": [{"model": "m", "apiKey": SECRET}]},
        {"session": {"access_token": SECRET}},
        {"name": f"curl -H 'Authorization: Bearer {SECRET}'"},
    ],
)
def test_no_column_holds_a_secret(fields: dict[str, Any]) -> None:
    row = converted({**WHOLE, **fields}, [{"id": "m", "text": "my token is a secret"}])
    assert not row.rejected
    assert SECRET.encode() not in row.lines[0]
    assert line(row)["messages"] == [{"id": "m", "text": "my token is a secret"}]
    assert line(row)["stored_bytes"] == row.stored_bytes == len(b'[{"id":"m","text":"my token is a secret"}]')


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
