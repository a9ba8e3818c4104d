"""The shapes that public clients store: one question's answer in each, all of them the same once canonical."""

import json
from typing import Any

import msgspec
import pytest

from sluice.looker.prune import canonical

AT = "2026-09-28T17:30:11Z"
FINAL: dict[str, Any] = {"text": {"parts": ["Answer."], "textType": "FINAL_RESPONSE"}}
ENVELOPE: dict[str, Any] = {"id": "1", "type": "system", "order": 1}
WHOLE: dict[str, Any] = {**ENVELOPE, "timestamp": AT, "systemMessage": FINAL}


def prune(message: Any) -> Any:
    return canonical(msgspec.Raw(json.dumps(message).encode()))


def inside(message: Any) -> Any:
    return prune({**ENVELOPE, "message": message})


@pytest.mark.parametrize(
    "message",
    [
        {"timestamp": AT, "systemMessage": FINAL},
        {"timestamp": AT, **FINAL},
        {"timestamp": AT, "message": {"systemMessage": FINAL}},
        {"message": {"message": {"message": {"timestamp": AT, "systemMessage": FINAL}}}},
        json.dumps({"timestamp": AT, "systemMessage": FINAL}),
        json.dumps(json.dumps({"timestamp": AT, "systemMessage": FINAL})),
        {"message": json.dumps({"timestamp": AT, "systemMessage": FINAL})},
        {"timestamp": AT, "systemMessage": json.dumps(FINAL)},
        {"timestamp": AT, "request": {"x": 1}, "response": {"data": {"systemMessage": FINAL}}},
        {"timestamp": AT, "systemMessage": {"text": {"parts": ["Answer."], "textType": "final_response"}}},
        {"timestamp": AT, "systemMessage": {"text": {"parts": ["Answer."], "textType": "FinalResponse"}}},
        {"timestamp": AT, "systemMessage": {"text": {"parts": [{"text": "Answer."}], "textType": "FINAL_RESPONSE"}}},
        {"timestamp": {"seconds": "1790616611", "nanos": 0}, "systemMessage": FINAL},
        {"timestamp": 1790616611000, "systemMessage": FINAL},
    ],
)
def test_one_answer_in_every_shape(message: Any) -> None:
    assert inside(message) == WHOLE
    assert prune(WHOLE) == WHOLE


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"systemMessage": {"text": "Answer."}}, {"text": {"parts": ["Answer."]}}),
        ({"systemMessage": {"text": ["Answer."]}}, {"text": {"parts": ["Answer."]}}),
        ({"systemMessage": "Answer."}, {"text": {"parts": ["Answer."]}}),
        ({"text": "Answer."}, {"text": {"parts": ["Answer."]}}),
        ({"systemMessage": {"error": "Broke."}}, {"error": {"text": "Broke."}}),
        ({"error": "Broke."}, {"error": {"text": "Broke."}}),
        ({"data": {"generatedSql": "SELECT 1"}, "groupId": 2}, {"data": {"generatedSql": "SELECT 1"}, "groupId": 2}),
        ({"schema": {"result": {"datasources": []}}}, {"schema": {}}),
        ({"advancedInsight": {"a": 1}}, {"advancedInsight": {"a": 1}}),
        (
            {"systemMessage": {"text": {"parts": ["?"], "textType": "summary"}}},
            {"text": {"parts": ["?"], "textType": "summary"}},
        ),
        ({"systemMessage": {"text": {"parts": [], "textType": 1}}}, {"text": {"parts": [], "textType": 1}}),
        ({"systemMessage": {"text": 7}}, {"text": 7}),
    ],
)
def test_what_was_said_has_one_place_and_one_form(message: Any, said: Any) -> None:
    assert inside(message) == {**ENVELOPE, "systemMessage": said}
    assert prune(inside(message)) == inside(message)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ({"data": {"rows": 1}, "role": "x"}, {"data": {"rows": 1}, "role": "x"}),
        ({"text": {"de": "x"}}, {"text": {"de": "x"}}),
        ({"error": {"code": 1}}, {"error": {"code": 1}}),
        ({"response": {"data": {"a": 1}}, "request": 1}, {"response": {"data": {"a": 1}}, "request": 1}),
        ("{no json", {"message": "{no json"}),
        ("[1]", {"message": "[1]"}),
        ('"text"', {"message": '"text"'}),
    ],
)
def test_what_only_resembles_a_shape_is_left_alone(message: Any, kept: Any) -> None:
    assert inside(message) == {**ENVELOPE, **kept}


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ({"type": "USER", "message": {"text": "Q?"}}, {"type": "user", "userMessage": {"text": "Q?"}}),
        ({"type": "System", "message": FINAL}, {"type": "system", "systemMessage": FINAL}),
        ({"type": "bot", "message": FINAL}, {"type": "bot", "systemMessage": FINAL}),
        ({"type": ["user"], "message": {"a": 1}}, {"type": ["user"], "a": 1}),
        (
            {"type": "user", "message": '{"userMessage": {"text": "Q?"}}'},
            {"type": "user", "userMessage": {"text": "Q?"}},
        ),
        ({"type": "user", "message": {"userMessage": "{}"}}, {"type": "user", "userMessage": {"text": "{}"}}),
    ],
)
def test_senders(message: Any, kept: Any) -> None:
    assert prune(message) == kept
    assert prune(kept) == kept
