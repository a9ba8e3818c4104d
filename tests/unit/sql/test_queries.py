"""The queries of sql/queries over the golden population, answers worked out by hand."""

from datetime import UTC, date, datetime

from tests.support.dataset import QUERIES, Dataset

SINCE = ("TIMESTAMP", datetime(2026, 3, 1, tzinfo=UTC))
UNTIL = ("TIMESTAMP", datetime(2026, 3, 2, tzinfo=UTC))
TESTED = {"conversation_messages", "counts_by_agent", "counts_by_agent_and_date", "sessions"}


def test_every_query_has_an_answer() -> None:
    assert set(QUERIES) == TESTED


def test_conversation_messages(golden: Dataset) -> None:
    day = ("DATE", date(2026, 3, 1))
    shown = golden.query("conversation_messages", conversation_id=("STRING", "c2"), day=day)
    assert [(row["message_order"], row["role"], row["text_type"], row["text"]) for row in shown] == [
        (0, "user", None, "Stock?"),
        (1, "system", None, None),
        (2, "system", "FINAL_RESPONSE", "Forty."),
        (3, "user", None, "And tomorrow?"),
        (4, "system", "THOUGHT", "Hm"),
        (5, "system", None, "Something broke"),
    ]
    assert golden.query("conversation_messages", conversation_id=("STRING", "c4"), day=day) == []


def test_counts_by_agent(golden: Dataset) -> None:
    # The name is the one the agent has now, not the one it had that day.
    assert golden.query("counts_by_agent", since=SINCE, until=UNTIL) == [
        {
            "agent_id": "a1",
            "agent_name": "Sales agent 2",
            "conversations": 2,
            "users": 2,
            "messages": 17,
            "questions": 4,
        },
        {"agent_id": None, "agent_name": None, "conversations": 1, "users": 1, "messages": 6, "questions": 1},
    ]


def test_counts_by_agent_and_date(golden: Dataset) -> None:
    shown = golden.query("counts_by_agent_and_date", since=("DATE", date(2026, 3, 1)), until=("DATE", date(2026, 3, 1)))
    assert [(row["day"], row["agent_id"], row["conversations"], row["turns"]) for row in shown] == [
        ("2026-03-01", "a1", 2, 4),
        ("2026-03-01", None, 1, 1),
    ]


def test_sessions(golden: Dataset) -> None:
    """u2 asks at 10:05 and 10:06, then in another conversation 14 hours later, of which only the answer has a time."""
    first, second, third = golden.query("sessions", since=SINCE, until=UNTIL)
    assert first == {
        "user_id": "u1",
        "session_number": 1,
        "started_at": "2026-03-01T10:00:00Z",
        "ended_at": "2026-03-01T10:01:20Z",
        "session_seconds": 80,
        "conversations": 1,
        "questions": 2,
        "answered": 2,
        "mean_seconds_to_first_thought": 2.75,
        "mean_processing_seconds": 12.25,
        "mean_wait_seconds": 15.0,
        "longest_wait_seconds": 20.0,
    }
    assert (second["user_id"], second["session_number"], second["questions"], second["answered"]) == ("u2", 1, 2, 1)
    # The answer of the first question bears an earlier time than the question itself: skew must not shorten a session.
    assert second["ended_at"] == "2026-03-01T10:06:00Z"
    assert (third["user_id"], third["session_number"], third["started_at"]) == ("u2", 2, "2026-03-02T00:00:05Z")
    assert (third["mean_wait_seconds"], third["mean_processing_seconds"]) == (None, 120.0)
