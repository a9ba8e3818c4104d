"""Messages are whatever a client posted: every kind of JSON at every place the views look at, and none may fail."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.dataset import VIEWS, Dataset, Row

PLACES = (
    "id",
    "type",
    "order",
    "timestamp",
    "message",
    "userMessage",
    "userMessage.text",
    "systemMessage",
    "systemMessage.kind",
    "systemMessage.text",
    "systemMessage.text.parts",
    "systemMessage.text.textType",
    "systemMessage.error",
    "systemMessage.error.text",
    "systemMessage.data",
    "systemMessage.data.query",
    "systemMessage.data.query.datasources",
    "systemMessage.data.query.looker",
    "systemMessage.data.query.looker.model",
    "systemMessage.data.query.looker.fields",
    "systemMessage.data.query.looker.filters",
    "systemMessage.data.query.looker.sorts",
    "systemMessage.data.query.looker.limit",
    "systemMessage.data.generatedSql",
    "systemMessage.data.generatedLookerQuery",
    "systemMessage.data.result",
    "systemMessage.data.result.rowCount",
    "systemMessage.schema",
    "systemMessage.chart",
    "systemMessage.clarification.questions",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "x\u0000'\"\\`${dataset}",
    "9999-99-99T99:99:99Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    [],
    {},
    [None],
    [None, "a", 1],
    [[1], {"a": 1}],
    {"a": None},
    {"field": {"value": []}},
)


def hostile_messages() -> Iterator[Row]:
    for place in PLACES:
        kind = "user" if place.startswith("user") else "system"
        for value in VALUES:
            message: Row = {"id": "m", "type": kind, "order": 1, "timestamp": "2026-03-01T00:00:00Z"}
            _put(message, place.split("."), value)
            yield message
    yield from ({"message": value} for value in VALUES)


def _put(target: Row, path: list[str], value: Any) -> None:
    for key in path[:-1]:
        target = target.setdefault(key, {})
    target[path[-1]] = value


def conversation(number: int, messages: Any) -> Row:
    moment = "2026-03-01T00:00:00Z"
    sizes = {"message_count": 0, "raw_bytes": 0, "stored_bytes": 0}
    agent = VALUES[number % len(VALUES)]
    return {
        "id": str(number),
        "created_at": moment,
        "updated_at": moment,
        "messages": messages,
        "conversation_agent": agent if isinstance(agent, dict | list) else {"id": "a", "golden_queries": agent},
        "run_id": "r",
        "ingested_at": moment,
        **sizes,
    }


@pytest.fixture(scope="module")
def hostile(everything_of_sql: Dataset) -> Dataset:
    messages = list(hostile_messages())
    rows = [conversation(number, [message]) for number, message in enumerate(messages)]
    # All in one conversation as well, after a question and its answer, and roots that are no list of objects.
    together = [
        {"type": "user", "order": 0, "userMessage": {"text": "?"}},
        *messages,
        {"type": "system", "systemMessage": {"text": {"parts": [None, "Next?"], "textType": "FOLLOWUP_QUESTIONS"}}},
    ]
    odd_roots = [together, None, {}, {"a": 1}, [None], [[], [1]], ["text", 1, True]]
    rows += [conversation(len(rows) + number, root) for number, root in enumerate(odd_roots)]
    return everything_of_sql.fill(conversations=rows)


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_fails(hostile: Dataset, view: str) -> None:
    assert hostile.view(view) or view == "sync_history"


def test_an_empty_ledger_is_never_fresh(hostile: Dataset) -> None:
    [shown] = hostile.view("sync_health")
    assert {value for key, value in shown.items() if value is not None and key != "checked_at"} == {0}
    assert shown["fresh_until"] is None
    assert shown["last_run_id"] is None


def test_every_message_is_shown_once(hostile: Dataset) -> None:
    messages = len(list(hostile_messages()))
    shown = hostile.rows(f"SELECT conversation_id, position FROM `{hostile.name}.messages`")
    assert len(shown) == 2 * messages + 2 + 1 + 2 + 3
    assert len({(row["conversation_id"], row["position"]) for row in shown}) == len(shown)


def test_no_span_is_negative(hostile: Dataset) -> None:
    spans = ("seconds_to_first_thought", "processing_seconds", "wait_seconds")
    turns = hostile.view("turns")
    assert all(turn[span] is None or turn[span] >= 0 for turn in turns for span in spans)
    assert all(turn["errors"] == turn["recovered_errors"] + turn["terminal_errors"] for turn in turns)
