"""What is said to be true about turns, against the canonical messages they left behind."""

from datetime import datetime
from typing import Any

import pytest

from local.looker.population import Population


def split(messages: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Messages by turn: each begins with a user message."""
    turns: list[list[dict[str, Any]]] = []
    for message in messages:
        if message["type"] == "user":
            turns.append([])
        turns[-1].append(message)
    return turns


def texts(turn: list[dict[str, Any]], text_type: str) -> list[dict[str, Any]]:
    said = [(message, message.get("systemMessage", {}).get("text", {})) for message in turn]
    return [message for message, text in said if text.get("textType") == text_type]


def seconds(start: dict[str, Any], end: dict[str, Any]) -> float:
    one, other = (datetime.fromisoformat(message["timestamp"]) for message in (start, end))
    return (other - one).total_seconds()


@pytest.fixture
def turns(population: Population) -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    found = []
    for user in population.users:
        for each in population.conversations_of(user.key):
            found += list(zip(split(each.expected()["messages"]), population.turns(each.id), strict=True))
    return found


def test_every_turn_is_told_as_its_messages_tell_it(turns: list[tuple[list[dict[str, Any]], dict[str, Any]]]) -> None:
    for messages, truth in turns:
        finals = texts(messages, "FINAL_RESPONSE")
        offered = [
            part for each in texts(messages, "FOLLOWUP_QUESTIONS") for part in each["systemMessage"]["text"]["parts"]
        ]
        errors = [message for message in messages if "error" in message.get("systemMessage", {})]
        assert truth["messages"] == len(messages)
        assert truth["question"] == messages[0].get("userMessage", {}).get("text")
        # Of replies stored in a custom form nothing tells that none of them was the answer.
        assert truth["answered"] is (True if finals else None if truth["not_understood"] else False)
        assert list(truth["follow_ups"]) == offered
        assert truth["errors"] == len(errors)
        recovered = [error for error in errors if finals and error["order"] < finals[-1]["order"]]
        assert truth["recovered_errors"] == len(recovered)


def test_seconds_are_those_between_the_stored_timestamps(
    turns: list[tuple[list[dict[str, Any]], dict[str, Any]]],
) -> None:
    timed = [(messages, truth) for messages, truth in turns if truth["asked_at"] is not None]
    for messages, truth in timed:
        final = texts(messages, "FINAL_RESPONSE")
        spans = [seconds(messages[0], messages[1])]
        spans += [seconds(messages[1], final[-1]), seconds(messages[0], final[-1])] if final else []
        told = [truth["first_thought_seconds"], truth["processing_seconds"], truth["wait_seconds"]]
        assert told == [span if span >= 0 else None for span in spans] + [None] * (3 - len(spans))
        assert truth["clock_skew"] == any(span < 0 for span in spans)


def test_every_ending_occurs(turns: list[tuple[list[dict[str, Any]], dict[str, Any]]]) -> None:
    truths = [truth for _, truth in turns]
    assert any(truth["clock_skew"] for truth in truths)
    assert any(truth["recovered_errors"] for truth in truths)
    assert any(truth["errors"] and not truth["answered"] for truth in truths)
    assert any(not truth["errors"] and not truth["answered"] for truth in truths)
    assert any(truth["follow_ups"] for truth in truths)
    assert any(truth["question"] is None for truth in truths)
