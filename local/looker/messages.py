"""The envelopes around what is said: plain, debug and snake_case, and what custom applications store instead."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random
from typing import Any, Self

from local.looker import fragments
from local.looker.contents import Content

# Stands where a real store may hold an OAuth token: it must never reach the warehouse, a log or an error.
CREDENTIAL = "simulated-credential-that-must-not-leak"


class Shape(StrEnum):
    """How a client stored its messages."""

    PLAIN = "plain"
    DEBUG = "debug"
    SNAKE = "snake"


# Documented keys and their spelling in stores written from the Python client of the API.
SNAKE_CASE = {
    "systemMessage": "system_message",
    "userMessage": "user_message",
    "debugInfo": "debug_info",
    "messageId": "message_id",
    "textType": "text_type",
    "thoughtSignature": "thought_signature",
    "groupId": "group_id",
    "structSchema": "struct_schema",
    "lookerExploreReference": "looker_explore_reference",
    "lookerInstanceUri": "looker_instance_uri",
    "lookmlModel": "lookml_model",
    "generatedSql": "generated_sql",
    "generatedLookerQuery": "generated_looker_query",
    "matchedQuery": "matched_query",
    "bigQueryJob": "big_query_job",
    "formattedData": "formatted_data",
    "vegaConfig": "vega_config",
    "dataResultName": "data_result_name",
    "dataResultNames": "data_result_names",
    "progressEvent": "progress_event",
    "plannedReasoning": "planned_reasoning",
    "executionOutput": "execution_output",
    "resultCsvData": "result_csv_data",
    "resultVegaChartJson": "result_vega_chart_json",
    "exampleQueries": "example_queries",
    "naturalLanguageQuestion": "natural_language_question",
    "sqlQuery": "sql_query",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A ConversationMessage as Looker sends it (heavy parts as `msgspec.Raw`), and its canonical form."""

    sent: dict[str, Any]
    kept: dict[str, Any]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """A timestamp as a client writes it, as the warehouse keeps it (at most 6 digits), and as a moment."""

    sent: str
    kept: str
    at: datetime

    @classmethod
    def of(cls, moment: datetime, digits: int, rng: Random) -> Self:
        """`moment` (UTC) with 0, 3, 6 or 9 digits; what the digits cannot hold is cut, the nanoseconds are made up."""
        micro = moment.microsecond // 10 ** max(0, 6 - digits) * 10 ** max(0, 6 - digits)
        cut = moment.replace(microsecond=micro)
        head = f"{cut:%Y-%m-%dT%H:%M:%S}"
        nines = f"{micro:06d}{rng.randrange(1000):03d}"[:digits]
        zone = "+00:00" if digits == 6 else "Z"
        dot = "." if digits else ""
        return cls(f"{head}{dot}{nines}{zone}", f"{head}{dot}{nines[:6]}{zone}", cut)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a message stands: Looker's own id and order."""

    id: str
    order: int

    def outer(self, kind: str) -> dict[str, Any]:
        """The keys Looker puts around a message; `kind` is its type, user or system."""
        return {"id": self.id, "type": kind, "order": self.order, "can": {}}


def user_message(slot: Slot, shape: Shape, question: str, moment: datetime, rng: Random) -> Message:
    """A question, stamped by the browser; debug ones carry an empty request, some plain ones are a bare string."""
    stamp = Stamp.of(moment, 0 if rng.random() < 0.1 else 3, rng)
    inner: dict[str, Any] = {"userMessage": {"text": question}, "timestamp": stamp.sent}
    if shape is Shape.DEBUG:
        inner["debugInfo"] = {"request": {}}
    elif shape is Shape.PLAIN and rng.random() < 0.1:
        inner["userMessage"] = question
    elif shape is Shape.SNAKE:
        inner = snake_case(inner)
    kept = {**slot.outer("user"), "timestamp": stamp.kept, "userMessage": {"text": question}}
    return Message({**slot.outer("user"), "message": inner}, kept, stamp.at)


def system_message(slot: Slot, shape: Shape, content: Content, moment: datetime, rng: Random) -> Message:
    """One part of an answer, stamped by the server; about one in ten carries keys that no reference documents."""
    digits = {Shape.PLAIN: 9, Shape.DEBUG: 3, Shape.SNAKE: 6}[shape]
    stamp = Stamp.of(moment, digits, rng)
    odd_outer, odd_inner, odd_said = _odd_keys(rng)
    kept, sent = {**content.kept, **odd_said}, {**content.sent, **odd_said}
    inner: dict[str, Any] = {"timestamp": stamp.sent, "systemMessage": sent, **odd_inner}
    if shape is Shape.DEBUG:
        inner, kept = _with_debug_info(inner, kept, content.kind, rng)
    elif shape is Shape.SNAKE:
        inner = snake_case({**inner, "messageId": f"m-{slot.id}"})
    elif rng.random() < 0.5:
        inner["messageId"] = f"m-{slot.id}"
    outer = {**slot.outer("system"), **odd_outer}
    identity = {"messageId": f"m-{slot.id}"} if "messageId" in inner or "message_id" in inner else {}
    canonical = {**outer, **odd_inner, **identity, "timestamp": stamp.kept, "systemMessage": kept}
    return Message({**outer, "message": inner}, canonical, stamp.at)


def free_form_message(slot: Slot, kind: str, said: str) -> Message:
    """What an application of one's own may store: no timestamp, no known key, and an id that collides with Looker's."""
    inner = {"id": f"app-{slot.order}", "role": kind, "content": said, "tokens": {"in": 12, "out": None}}
    outer = slot.outer(kind)
    kept = {**outer, "role": kind, "content": said, "tokens": {"in": 12, "out": None}}
    return Message({**outer, "message": inner}, {**kept, "message": {"id": f"app-{slot.order}"}}, None)


def snake_case(value: Any) -> Any:
    """The same JSON with every documented key spelled in snake_case."""
    if isinstance(value, dict):
        return {SNAKE_CASE.get(key, key): snake_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snake_case(item) for item in value]
    return value


def _with_debug_info(
    inner: dict[str, Any], kept: dict[str, Any], kind: str, rng: Random
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The debug shape: mostly both copies; sometimes the nested one alone, a fuller top copy, or no answer at all."""
    request = {
        "messages": fragments.text(200),
        "credentials": {"oauth": {"token": {"accessToken": CREDENTIAL}}},
    }
    form = rng.randrange(12)
    if form == 0:
        return {**inner, "debugInfo": {"request": request}}, kept
    data: dict[str, Any] = {"systemMessage": {**inner["systemMessage"], "kind": kind}}
    sent = {**inner, "debugInfo": {"request": request, "response": {"status": 200, "data": data}}}
    kept = {**kept, "kind": kind}
    if form == 1:
        del sent["systemMessage"]
    elif form == 2:
        citation = {"source": "top copy only"}
        sent["systemMessage"] = {**sent["systemMessage"], "citation": citation}
        kept = {**kept, "citation": citation}
    elif form == 3:
        data["timestamp"] = sent.pop("timestamp")
    return sent, kept


def _odd_keys(rng: Random) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Unknown keys beside `message`, inside it and inside `systemMessage`: all empty nine times in ten."""
    if rng.random() >= 0.1:
        return {}, {}, {}
    return {"reactions": ["👍"]}, {"client_build": "26.4.1"}, {"confidence": {"score": 0.5, "notes": None}}
