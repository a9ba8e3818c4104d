"""The truth (`expected`) against the bytes that are served, by rules written without the code that made either."""

import json
from typing import Any

import pytest

from local.looker.conversations import Conversation
from local.looker.messages import CREDENTIAL, Shape
from local.looker.population import Population

# Keys that may be sent and not kept (the list of what is dropped, wherever it stands).
HEAVY = {
    "debugInfo",
    "thoughtSignature",
    "result",
    "schema",
    "structSchema",
    "data",
    "formattedData",
    "vegaConfig",
    "image",
    "resultCsvData",
    "resultVegaChartJson",
    "executionOutput",
}


@pytest.fixture
def held(population: Population) -> list[Conversation]:
    return [each for user in population.users for each in population.conversations_of(user.key)]


def pairs(held: list[Conversation], shape: Shape) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each served message of that shape beside its canonical form."""
    found = []
    for each in held:
        if each.shape is shape and not each.free_form:
            served = json.loads(each.body())["messages"] or []
            found += list(zip(served, each.expected()["messages"], strict=True))
    assert found
    return found


def dropped(sent: Any, kept: Any) -> set[str]:
    """The keys of `sent` that `kept` lacks; fails when anything else differs, but for the summary of a result."""
    if isinstance(sent, dict):
        assert isinstance(kept, dict)
        if "rowCount" in kept:
            rows = sent["data"] if "data" in sent else sent["formattedData"]
            named = [field["name"] for field in sent["schema"]["fields"]] if "schema" in sent else list(rows[0])
            assert (kept["columns"], kept["rowCount"]) == (named, len(rows))
            kept = {key: value for key, value in kept.items() if key not in ("columns", "rowCount")}
        assert set(kept) <= set(sent)
        inner = [dropped(value, kept[key]) for key, value in sent.items() if key in kept]
        return (set(sent) - set(kept)).union(*inner)
    if isinstance(sent, list):
        assert isinstance(kept, list)
        assert len(sent) == len(kept)
        return set[str]().union(*(dropped(*pair) for pair in zip(sent, kept, strict=True)))
    assert sent == kept
    return set()


def test_plain_messages_lose_their_heavy_parts_and_nothing_else(held: list[Conversation]) -> None:
    lost: set[str] = set()
    for sent, kept in pairs(held, Shape.PLAIN):
        inner = sent.pop("message")
        if isinstance(inner.get("userMessage"), str):
            inner["userMessage"] = {"text": inner["userMessage"]}
        stamp = inner["timestamp"]
        if len(stamp) == len("2026-09-28T17:30:11.123456789Z"):
            inner["timestamp"] = stamp[:-4] + "Z"
        lost |= dropped({**sent, **inner}, kept)
    assert lost == HEAVY - {"debugInfo"}


def test_light_messages_are_served_as_they_are_kept(held: list[Conversation]) -> None:
    light = 0
    for sent, kept in pairs(held, Shape.PLAIN):
        said = sent["message"].get("systemMessage", {})
        if set(said) == {"error"} or set(said) == {"clarification"}:
            assert kept["systemMessage"] == said
            light += 1
    assert light > 5


def test_debug_messages_keep_the_merge_of_both_copies(held: list[Conversation]) -> None:
    forms = set()
    for sent, kept in pairs(held, Shape.DEBUG):
        inner = sent["message"]
        info = inner["debugInfo"]
        if sent["type"] == "user":
            assert info == {"request": {}}
            continue
        data = info.get("response", {}).get("data", {})
        merged = {**inner.get("systemMessage", {}), **data.get("systemMessage", {})}
        assert dropped(merged, kept["systemMessage"]) <= HEAVY
        assert kept["timestamp"] == inner.get("timestamp", data.get("timestamp"))
        forms.add(("systemMessage" in inner, bool(data), "timestamp" in inner, "citation" in merged))
    assert len(forms) == 5


def test_snake_case_is_sent_and_camel_case_kept(held: list[Conversation]) -> None:
    texts = json.dumps(pairs(held, Shape.SNAKE))
    for spelling in ("system_message", "user_message", "text_type", "data_result_name", "example_queries"):
        assert f'"{spelling}"' in texts
    for sent, kept in pairs(held, Shape.SNAKE):
        assert not {"systemMessage", "userMessage", "messageId"} & set(sent["message"])
        assert {"systemMessage", "userMessage"} & set(kept)
        assert "_message" not in json.dumps(list(kept))


def test_free_form_messages_keep_what_collides(held: list[Conversation]) -> None:
    own = [each for each in held if each.free_form and each.asked]
    assert own
    for each in own:
        for sent, kept in zip(json.loads(each.body())["messages"], each.expected()["messages"], strict=True):
            inner = sent.pop("message")
            assert kept == {**inner, **sent, "message": {"id": inner["id"]}}


def test_unknown_keys_stand_in_about_a_tenth(held: list[Conversation]) -> None:
    said = [message for each in held for message in each.expected()["messages"] if "systemMessage" in message]
    odd = [message for message in said if "reactions" in message]
    assert 0.05 < len(odd) / len(said) < 0.15
    assert all(message["client_build"] and message["systemMessage"]["confidence"] for message in odd)


def test_nothing_that_must_go_stays(held: list[Conversation]) -> None:
    assert any(CREDENTIAL.encode() in each.body() for each in held)
    kept = json.dumps([each.expected() for each in held], default=str)
    for word in (CREDENTIAL, "debugInfo", "debug_info", "hought_signature", "thoughtSignature", "vega", "image"):
        assert word not in kept


def test_the_row_holds_the_head_of_the_conversation(held: list[Conversation]) -> None:
    for each in held:
        body, row = json.loads(each.body()), each.expected()
        same = ("id", "user_id", "agent_id", "name", "category", "sources", "deleted", "missing_agent")
        assert {key: body[key] for key in (*same, "conversation_agent")} == {
            key: row[key] for key in (*same, "conversation_agent")
        }
        extra = {"can", "studio_conversation_id"} | ({"pinned_by"} if "pinned_by" in body else set())
        assert row["extra"] == {key: body[key] for key in extra}
        assert row["message_count"] == len(row["messages"]) == len(body["messages"] or [])
        assert row["created_at"].isoformat(timespec="milliseconds") == body["created_at"].replace("Z", "+00:00")
        assert row["updated_at"].isoformat(timespec="milliseconds") == body["updated_at"].replace("Z", "+00:00")
    assert any("pinned_by" in each.expected()["extra"] for each in held)


def test_fields_select(held: list[Conversation]) -> None:
    each = next(each for each in held if each.asked)
    assert each.fields(("id", "updated_at", "nonsense")).keys() == {"id", "updated_at"}
    assert each.fields(("messages",))["messages"] == each.sent()
