"""Over the simulated population each view agrees with the same figure computed from the simulator's ground truth.

The truth about turns comes from the simulator; what it does not tell (queries, explores, follow-ups) is read from its
canonical messages in plain Python.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.looker.population import Population
from tests.support.dataset import Dataset, Row, by, plain

Fact = tuple[Row, Row]


class Truth:
    """The rows a perfect sync would leave, with sizes made up but known, and the turns in them."""

    def __init__(self, population: Population) -> None:
        owned = (population.conversations_of(user.key) for user in population.users)
        ids = sorted(conversation.id for each in owned for conversation in each)
        self.rows = [
            {
                **population.expected(conversation_id),
                "raw_bytes": 10_000 + 7 * number,
                "stored_bytes": 900 + number,
                "run_id": "r1",
                "ingested_at": population.now,
            }
            for number, conversation_id in enumerate(ids)
        ]
        self.turns: list[Fact] = [(row, turn) for row in self.rows for turn in population.turns(row["id"])]

    def said(self) -> Iterator[tuple[Row, int, Row]]:
        """Each system message with its row and the number of its turn."""
        for row in self.rows:
            turn = 0
            for message in row["messages"]:
                turn += message["type"] == "user"
                if message["type"] == "system":
                    yield row, turn, message.get("systemMessage", {})


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth(Population(seed=11, users=8, conversations=150, now=datetime(2026, 11, 20, tzinfo=UTC)))


@pytest.fixture(scope="module")
def simulated(everything_of_sql: Dataset, truth: Truth) -> Dataset:
    return everything_of_sql.fill(conversations=truth.rows)


def test_the_population_holds_what_is_worth_testing(truth: Truth) -> None:
    turns = [turn for _, turn in truth.turns]
    for key in ("answered", "clock_skew", "errors", "recovered_errors", "follow_ups"):
        assert {bool(turn[key]) for turn in turns} == {True, False}, key
    assert any(not row["messages"] for row in truth.rows)
    assert any(row["missing_agent"] for row in truth.rows)


def test_turns(simulated: Dataset, truth: Truth) -> None:
    shown = by(simulated.view("turns"), "conversation_id", "turn_number")
    names = {
        "question": "question",
        "asked_at": "asked_at",
        "answered": "answered",
        "answer": "final_text",
        "seconds_to_first_thought": "first_thought_seconds",
        "processing_seconds": "processing_seconds",
        "wait_seconds": "wait_seconds",
        "clock_skew": "clock_skew",
        "errors": "errors",
        "recovered_errors": "recovered_errors",
        "messages_not_understood": "not_understood",
    }
    expected = [
        {
            "conversation_id": row["id"],
            **{name: plain(turn[source]) for name, source in names.items()},
            "steps": turn["messages"] - 1,
            "terminal_errors": turn["errors"] - turn["recovered_errors"],
            "follow_ups": len(turn["follow_ups"]),
        }
        for row, turn in truth.turns
    ]
    assert [{key: row[key] for key in expected[0]} for row in shown] == expected


def test_messages(simulated: Dataset, truth: Truth) -> None:
    stored = [message for row in truth.rows for message in row["messages"]]
    shown = by(simulated.view("messages"), "conversation_id", "position")
    assert [row["message"] for row in shown] == stored
    assert [row["position"] for row in shown] == [place for row in truth.rows for place in _places(row["messages"])]
    for kind in ("text", "data", "schema", "chart", "analysis", "error", "clarification", "exampleQueries"):
        assert sum(row["kind"] == kind for row in shown) == sum(kind in _said(message) for message in stored), kind


@pytest.mark.parametrize(("view", "key"), [("agent_daily", "agent_id"), ("user_daily", "user_id")])
def test_daily(simulated: Dataset, truth: Truth, view: str, key: str) -> None:
    conversations = _grouped(truth.rows, lambda row: (_day(row), row[key]))
    turns = _grouped(truth.turns, lambda fact: (_day(fact[0]), fact[0][key]))
    expected = []
    for (day, value), rows in conversations.items():
        asked = [turn for _, turn in turns.get((day, value), [])]
        answered = sum(turn["answered"] is True for turn in asked)
        unknown = sum(turn["answered"] is None for turn in asked)
        figures = {
            "day": day,
            key: value,
            "conversations": len(rows),
            "turns": len(asked),
            "answered_turns": answered,
            "unknown_turns": unknown,
            "answered_percent": plain(100 * answered / known) if (known := len(asked) - unknown) else None,
            "errors": sum(turn["errors"] for turn in asked),
            **_percentiles("wait", [turn["wait_seconds"] for turn in asked]),
        }
        expected.append(figures)
    shown = by(simulated.view(view), "day", key)
    assert [{name: row[name] for name in expected[0]} for row in shown] == by(expected, "day", key)


def test_active_users(simulated: Dataset, truth: Truth) -> None:
    users = {key: {row["user_id"] for row in rows} for key, rows in _by_agent(truth.rows).items()}
    shown = {(row["day"], row["agent_id"]): row["active_users"] for row in simulated.view("agent_daily")}
    assert shown == {key: len(each) for key, each in users.items()}


def test_latency_daily(simulated: Dataset, truth: Truth) -> None:
    expected = []
    for day, facts in _grouped(truth.turns, lambda fact: _day(fact[0])).items():
        turns = [turn for _, turn in facts]
        expected.append(
            {
                "day": day,
                "turns": len(turns),
                "timed_turns": sum(turn["wait_seconds"] is not None for turn in turns),
                "skewed_turns": sum(turn["clock_skew"] for turn in turns),
                **_percentiles("first_thought", [turn["first_thought_seconds"] for turn in turns]),
                **_percentiles("processing", [turn["processing_seconds"] for turn in turns]),
                **_percentiles("wait", [turn["wait_seconds"] for turn in turns]),
            }
        )
    assert by(simulated.view("latency_daily"), "day") == by(expected, "day")


def test_errors(simulated: Dataset, truth: Truth) -> None:
    shown = simulated.view("errors")
    assert len(shown) == sum(turn["errors"] for _, turn in truth.turns)
    assert sum(row["recovered"] for row in shown) == sum(turn["recovered_errors"] for _, turn in truth.turns)
    assert {row["error_kind"] for row in shown} == {"ACTION_GENERATION"}
    questions = Counter(turn["question"] for _, turn in truth.turns for _ in range(turn["errors"]))
    assert Counter(row["question"] for row in shown) == questions


def test_unanswered_or_slow(simulated: Dataset, truth: Truth) -> None:
    expected: Counter[str] = Counter()
    for _, turn in truth.turns:
        seconds = turn["processing_seconds"] if turn["wait_seconds"] is None else turn["wait_seconds"]
        if turn["answered"] is False:
            expected["unanswered"] += 1
        elif seconds is not None and seconds > 60:
            expected["slow"] += 1
    assert Counter(row["problem"] for row in simulated.view("unanswered_or_slow")) == expected
    assert set(expected) == {"unanswered", "slow"}


def test_follow_ups(simulated: Dataset, truth: Truth) -> None:
    shown = by(simulated.view("follow_ups"), "conversation_id", "position", "place")
    offered = [(row["id"], text) for row, turn in truth.turns for text in turn["follow_ups"]]
    assert [(row["conversation_id"], row["follow_up"]) for row in shown] == offered


def test_generated_queries_and_usage(simulated: Dataset, truth: Truth) -> None:
    made = []
    for row, turn, said in truth.said():
        data = said.get("data", {})
        looker = data.get("query", {}).get("looker") or data.get("generatedLookerQuery")
        sql = data.get("generatedSql") or data.get("matchedQuery", {}).get("sqlQuery")
        if looker or sql:
            made.append((row, turn, looker, sql))
    shown = by(simulated.view("generated_queries"), "conversation_id", "position")
    assert [(row["looker_query"], row["generated_sql"]) for row in shown] == [(each[2], each[3]) for each in made]

    asked = [(row, turn, looker) for row, turn, looker, _ in made if looker]
    explores = _grouped(asked, lambda each: (_day(each[0]), each[2]["model"], each[2]["explore"]))
    assert {
        (row["day"], row["model"], row["explore"]): (row["turns"], row["queries"])
        for row in simulated.view("explore_usage")
    } == {key: (len({(row["id"], turn) for row, turn, _ in each}), len(each)) for key, each in explores.items()}
    uses = [(row, turn, use) for row, turn, looker in asked for use in _uses(looker)]
    fields = _grouped(uses, lambda each: (_day(each[0]), *each[2]))
    keys = ("day", "model", "explore", "field", "used_as")
    assert {tuple(row[key] for key in keys): row["turns"] for row in simulated.view("field_usage")} == {
        key: len({(row["id"], turn) for row, turn, _ in each}) for key, each in fields.items()
    }


def test_conversation_latest_agent(simulated: Dataset, truth: Truth) -> None:
    agents = {row["agent_id"]: row["conversation_agent"] for row in truth.rows if row["agent_id"]}
    shown = simulated.view("conversation_latest_agent")
    assert {row["agent_id"]: row["conversation_agent"] for row in shown} == agents
    assert {row["agent_id"]: row["instructions"] for row in shown} == {
        key: agent["context"]["instructions"] for key, agent in agents.items()
    }


def test_pruning_savings(simulated: Dataset, truth: Truth) -> None:
    shown = {row["day"]: (row["conversations"], row["saved_bytes"]) for row in simulated.view("pruning_savings")}
    days = _grouped(truth.rows, _day)
    assert shown == {
        day: (len(rows), sum(row["raw_bytes"] - row["stored_bytes"] for row in rows)) for day, rows in days.items()
    }


def _grouped[Item, Key](items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


def _by_agent(rows: list[Row]) -> dict[tuple[str, Any], list[Row]]:
    return _grouped(rows, lambda row: (_day(row), row["agent_id"]))


def _day(row: Row) -> str:
    return str(row["created_at"].date().isoformat())


def _percentiles(name: str, spans: list[float | None]) -> Row:
    """Nearest rank: the smallest span that so many per cent of the spans do not exceed."""
    known = sorted(span for span in spans if span is not None)
    return {
        f"{name}_p{percent}_seconds": plain(known[math.ceil(len(known) * percent / 100) - 1]) if known else None
        for percent in (50, 90, 99)
    }


def _places(messages: list[Row]) -> range:
    return range(1, len(messages) + 1)


def _said(message: Row) -> Row:
    said = message.get("systemMessage", {})
    return said if isinstance(said, dict) else {}


def _uses(looker: Row) -> Iterator[tuple[str, str, str, str]]:
    of = (looker["model"], looker["explore"])
    yield from ((*of, field, "selected") for field in looker["fields"])
    yield from ((*of, item["field"], "filter") for item in looker["filters"])
    yield from ((*of, sort.split()[0], "sort") for sort in looker["sorts"])
