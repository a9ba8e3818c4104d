"""One turn: a question, the messages that answer it, and what is true about it."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from local.looker import contents
from local.looker.cast import Explore
from local.looker.contents import Content, Kind, Topic
from local.looker.messages import Message, Shape, Slot, free_form_message, system_message, user_message

# Ways a turn can go. Together they hold every kind of message; conversations walk through them in order.
LOOKUP: tuple[Kind, ...] = (
    contents.thought,
    contents.progress,
    contents.schema_query,
    contents.schema_result,
    contents.data_query,
    contents.data_generated_sql,
    contents.data_result,
)
ANSWER: tuple[Kind, ...] = (contents.final, contents.follow_ups)
ANALYSIS: tuple[Kind, ...] = (contents.analysis_query, contents.analysis_code, contents.analysis_result)
SCRIPTS: tuple[tuple[Kind, ...], ...] = (
    (*LOOKUP, contents.chart_query, contents.chart_result, *ANSWER),
    (contents.thought, contents.schema_query, contents.error, *LOOKUP, contents.final),
    (*LOOKUP, contents.data_job, *ANALYSIS, *ANSWER),
    (contents.thought, contents.schema_query, contents.schema_result, contents.error, contents.error),
    (contents.thought, contents.data_generated_looker_query, contents.data_combined, contents.final),
    (contents.thought, contents.data_matched_query, contents.data_result, contents.unknown, *ANSWER),
    (contents.thought, contents.clarification),
    (contents.example_queries, *LOOKUP, contents.chart_query, contents.error, contents.chart_result, *ANSWER),
)

# No turn lasts longer than this: at most 18 messages, at most 8 seconds apart.
LONGEST_TURN = timedelta(seconds=150)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a turn: same plan, same messages. `size` in bytes, `skew` is browser minus server clock."""

    seed: str
    script: int
    shape: Shape
    free_form: bool
    explore: Explore
    question: str
    asked: datetime
    skew: timedelta
    size: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What is true about a turn. Seconds are None when unknown or negative; `clock_skew` says it was negative.

    `first_thought_seconds` question to first system message, `processing_seconds` first system message to the final
    response, `wait_seconds` question to final response. An error is recovered when a final response follows it.
    `question`, `asked_at` and `answered` are None for what a custom application stored in a form of its own; how many
    messages that is, `not_understood` tells.
    """

    question: str | None
    asked_at: datetime | None
    answered: bool | None
    final_text: str | None
    first_thought_seconds: float | None
    processing_seconds: float | None
    wait_seconds: float | None
    clock_skew: bool
    messages: int
    errors: int
    recovered_errors: int
    follow_ups: tuple[str, ...]
    not_understood: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def play(plan: Plan, first_id: int, first_order: int) -> tuple[list[Message], Turn]:
    """The messages of a turn, numbered from `first_id` and `first_order` on, and the truth about them."""
    if plan.free_form:
        return _free_form(plan, first_id, first_order)
    rng = Random(plan.seed)
    script = SCRIPTS[plan.script % len(SCRIPTS)]
    copies = 2 if plan.shape is Shape.DEBUG else 1
    parts = copies * sum(contents.PARTS.get(kind, 0) for kind in script)
    topic = Topic(plan.explore, plan.question, plan.size // max(1, parts), rng)
    moment = plan.asked
    slot = Slot(str(first_id), first_order)
    asked = user_message(slot, plan.shape, plan.question, moment + plan.skew, rng)
    said: list[Content] = []
    messages: list[Message] = []
    for step, kind in enumerate(script, start=1):
        moment += timedelta(microseconds=rng.randrange(400_000, 8_000_000))
        content = kind(topic)
        said.append(content)
        slot = Slot(str(first_id + step), first_order + step)
        messages.append(system_message(slot, plan.shape, content, moment, rng))
    return [asked, *messages], _truth(plan.question, asked, said, messages)


def _free_form(plan: Plan, first_id: int, first_order: int) -> tuple[list[Message], Turn]:
    asked = free_form_message(Slot(str(first_id), first_order), "user", plan.question)
    answer = free_form_message(Slot(str(first_id + 1), first_order + 1), "system", "Stored by our own application.")
    return [asked, answer], Turn(None, None, None, None, None, None, None, False, 2, 0, 0, (), not_understood=2)


def _truth(question: str, asked: Message, said: list[Content], messages: list[Message]) -> Turn:
    texts = [content.kept.get("text", {}) for content in said]
    finals = [index for index, text in enumerate(texts) if text.get("textType") == "FINAL_RESPONSE"]
    errors = [index for index, content in enumerate(said) if "error" in content.kept]
    start, first = asked.at, messages[0].at
    end = messages[finals[-1]].at if finals else None
    spans = [_seconds(start, first), _seconds(first, end), _seconds(start, end)]
    shown = [span if span is not None and span >= 0 else None for span in spans]
    return Turn(
        question=question,
        asked_at=start,
        answered=bool(finals),
        final_text="\n".join(texts[finals[-1]]["parts"]) if finals else None,
        first_thought_seconds=shown[0],
        processing_seconds=shown[1],
        wait_seconds=shown[2],
        clock_skew=any(span is not None and span < 0 for span in spans),
        messages=1 + len(messages),
        errors=len(errors),
        recovered_errors=sum(1 for index in errors if finals and finals[-1] > index),
        follow_ups=tuple(p for text in texts if text.get("textType") == "FOLLOWUP_QUESTIONS" for p in text["parts"]),
    )


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None
