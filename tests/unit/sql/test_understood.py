"""What was not understood is told from what was not answered, and texts older than their types are answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.dataset import Dataset, Row

QUESTION: Row = {"type": "user", "timestamp": "2026-03-01T00:00:01Z", "userMessage": {"text": "Q?"}}


def system(said: Any, second: int = 5, **more: Any) -> Row:
    return {"type": "system", "timestamp": f"2026-03-01T00:00:{second:02}Z", "systemMessage": said, **more}


def text(words: Any, kind: Any = None, second: int = 5) -> Row:
    return system({"text": {"parts": words, **({} if kind is None else {"textType": kind})}}, second)


# What follows the question: whether it is answered, with what, after how many seconds, and how much is not understood.
CASES: dict[str, tuple[list[Row], tuple[Any, ...]]] = {
    "final": ([text(["A."], "FINAL_RESPONSE")], (True, "A.", 4.0, 0)),
    "no type": ([text(["A."])], (True, "A.", 4.0, 0)),
    "unspecified type": ([text(["A."], "TEXT_TYPE_UNSPECIFIED")], (True, "A.", 4.0, 0)),
    "unspecified number": ([text(["A."], 0)], (True, "A.", 4.0, 0)),
    "the last without type": ([text(["Hm."], None, 3), text(["A."])], (True, "A.", 4.0, 0)),
    "without type after a thought": ([text(["Hm."], "THOUGHT", 3), text(["A."])], (True, "A.", 4.0, 0)),
    "without type before a final": ([text(["A."], "FINAL_RESPONSE", 3), text(["B."])], (True, "A.", 2.0, 0)),
    "thought alone": ([text(["Hm."], "THOUGHT")], (False, None, None, 0)),
    "error alone": ([system({"error": {"text": "Broke."}})], (False, None, None, 0)),
    "nothing": ([], (False, None, None, 0)),
    "empty final": ([text([], "FINAL_RESPONSE")], (False, None, None, 0)),
    "final without parts": ([system({"text": {"textType": "FINAL_RESPONSE"}})], (False, None, None, 0)),
    "parts that are no texts": ([text([{"a": 1}], "FINAL_RESPONSE")], (None, None, None, 1)),
    "a later type of text": ([text(["A."], "SUMMARY")], (None, None, None, 1)),
    "a later kind": ([system({"laterKind": {"a": 1}, "kind": "laterKind"})], (None, None, None, 1)),
    "a kind of no form": ([system({"text": 7})], (None, None, None, 1)),
    "a form of its own": ([{"type": "system", "content": "A."}], (None, None, None, 1)),
    "no sender": ([{"message": 42}], (None, None, None, 1)),
    "a later kind before a final": (
        [system({"laterKind": {"a": 1}}, 3), text(["A."], "FINAL_RESPONSE")],
        (True, "A.", 4.0, 1),
    ),
}


@pytest.fixture(scope="module")
def shapes(everything_of_sql: Dataset) -> Dataset:
    moment = "2026-03-01T00:00:00Z"
    whole = {"created_at": moment, "updated_at": moment, "ingested_at": moment, "run_id": "r", "agent_id": "a"}
    sizes = {"message_count": 0, "raw_bytes": 0, "stored_bytes": 0}
    rows = [{"id": name, "messages": [QUESTION, *after], **whole, **sizes} for name, (after, _) in CASES.items()]
    rows.append({"id": "own question", "messages": [{"type": "user", "content": "Q?"}, text(["A."])], **whole, **sizes})
    return everything_of_sql.fill(conversations=rows)


def _shown(dataset: Dataset) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for turn in dataset.view("turns"):
        names = ("answered", "answer", "wait_seconds", "messages_not_understood")
        yield turn["conversation_id"], tuple(turn[name] for name in names)


def test_turns(shapes: Dataset) -> None:
    expected = {name: turn for name, (_, turn) in CASES.items()}
    assert dict(_shown(shapes)) == {**expected, "own question": (True, "A.", None, 1)}


@pytest.mark.parametrize("view", ["agent_daily", "user_daily"])
def test_what_is_unknown_is_no_part_of_a_share(shapes: Dataset, view: str) -> None:
    answered = [turn[0] for _, turn in CASES.values()] + [True]
    [shown] = shapes.view(view)
    known = len(answered) - answered.count(None)
    assert (shown["turns"], shown["answered_turns"]) == (len(answered), answered.count(True))
    assert shown["unknown_turns"] == answered.count(None)
    assert shown["answered_percent"] == pytest.approx(100 * answered.count(True) / known)


def test_what_is_unknown_is_not_unanswered(shapes: Dataset) -> None:
    shown = {row["conversation_id"] for row in shapes.view("unanswered_or_slow")}
    assert shown == {name for name, (_, turn) in CASES.items() if turn[0] is False}
