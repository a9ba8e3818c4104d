"""A user's conversations: listed newest first, fetched one by one, pruned."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from sluice.errors import LookerMalformed, LookerRefused
from sluice.looker import lenient, prune
from sluice.looker.lenient import Part
from sluice.looker.session import Session
from sluice.looker.times import timestamp as timestamp

LIST_FIELDS = "id,created_at,updated_at,deleted,user_id"
FIELDS = {"fields": LIST_FIELDS}
SORTS = {"sorts": "updated_at desc"}
STYLES: tuple[dict[str, Any], ...] = (FIELDS | SORTS, FIELDS, {})
"""How a listing is asked for; the next style where Looker refuses one, since its parameters are hardly documented."""
REFUSED_PARAMETERS = {400, 422}
MOST_STEPS_BACK = 3
MOST_IDLE_PAGES = 5
"""Pages in a row without anything new: an instance that ignores the offset would answer for ever."""
DAY_LASTS = timedelta(hours=37)
"""From a date's midnight in UTC to its end in any time zone."""

MIDNIGHT = time(tzinfo=UTC)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation as the listing shows it. `updated_at` is None where Looker's is missing or unreadable.

    `owner` is its user's id, empty where the listing does not say.
    """

    id: str
    updated_at: datetime | None
    deleted: bool
    owner: str = ""
    created_at: datetime | None = None

    @property
    def is_day(self) -> bool:
        """Whether `updated_at` tells no more than the day: the API declares it a date, and sends times."""
        return self.updated_at is not None and self.updated_at.timetz() == MIDNIGHT

    @property
    def latest(self) -> datetime | None:
        """The last moment `updated_at` can mean."""
        if self.updated_at is None or not self.is_day:
            return self.updated_at
        return min(self.updated_at, datetime.max.replace(tzinfo=UTC) - DAY_LASTS) + DAY_LASTS


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as fetched: `fields` are its top-level members, `messages` are canonical."""

    listed: Listed
    fields: dict[str, Any]
    messages: list[Any]
    body: bytes
    fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A conversation without a body that could be read, and why; `rest` is what of it could be, pruned."""

    listed: Listed
    reason: str
    body: bytes = b""
    fetched_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    rest: dict[str, Any] | None = None


class PageSize:
    """How pages are asked for, learned by all listings of a run: in which of the `STYLES`, and how long they may be.

    The cap of the length is undocumented. A page shorter than asked is the last one if a longer one was ever seen;
    otherwise it may be a page of the capped length, and only what follows it tells.
    """

    def __init__(self, asked: int) -> None:
        self.asked = asked
        self.longest = 0
        self.style = 0

    def accepted(self, style: int) -> None:
        """Looker answers when it is asked in this style."""
        if style > self.style:
            self.style = style
            log.warning(
                "Looker refuses to sort or narrow listings; they are read whole",
                extra={"event": "listing_plain", "asked_for": ", ".join(STYLES[style]) or "nothing"},
            )

    def is_last(self, length: int) -> bool:
        """Whether a page of that length is known to be the last one."""
        last = length == 0 or length < self.longest
        self.longest = max(self.longest, length)
        return last


def pages(session: Session, size: PageSize, *, deleted: bool, since: datetime) -> Iterator[list[Listed]]:
    """Pages of the session's user's conversations changed at or after `since`, newest first, each conversation once.

    Looker has no filter on updated_at, and the syntax of `sorts` is not documented for this endpoint: the listing stops
    at the window only while the pages do come in descending order. Pages overlap by a few items, because a conversation
    deleted meanwhile moves all later ones up.

    Raises:
        LookerMalformed: a page is not a list of conversations with ids, or the offset has no effect.
        LookerRefused, LookerUnavailable: as Session.get.
    """
    seen: set[str] = set()
    overlap = min(3, size.asked - 1)
    style = size.style
    offset, reach, idle, steps_back = 0, 0, 0, MOST_STEPS_BACK
    newest_first, earlier = True, datetime.max.replace(tzinfo=UTC)
    while True:
        try:
            page = _page(session, size, STYLES[style], offset=offset, deleted=deleted)
        except LookerRefused as error:
            if error.code not in REFUSED_PARAMETERS or error.step != LookerRefused.step or style + 1 == len(STYLES):
                raise
            # In another order the same offset shows other conversations: from the beginning.
            style, offset, reach = style + 1, 0, 0
            continue
        size.accepted(style)
        if 0 < offset < reach and steps_back and not any(item.id in seen for item in page):
            # More moved up than pages overlap: step back until the pages meet again.
            offset, steps_back = max(0, offset - size.longest), steps_back - 1
            continue
        fresh = [item for item in page if item.id not in seen]
        newest_first = newest_first and "sorts" in STYLES[style]
        for item in fresh:
            seen.add(item.id)
            newest_first = newest_first and item.latest is not None and item.latest <= earlier
            earlier = item.latest or earlier
        yield [item for item in fresh if item.latest is None or item.latest >= since]
        idle = 0 if fresh else idle + 1
        if size.is_last(len(page)) or (newest_first and earlier < since):
            return
        if idle == MOST_IDLE_PAGES:
            raise LookerMalformed("the listing repeats itself whatever the offset", step="list")
        reach = offset + len(page)
        offset += max(1, len(page) - overlap)


def _page(session: Session, size: PageSize, style: dict[str, Any], *, offset: int, deleted: bool) -> list[Listed]:
    body = session.get("/conversations/search", **style, limit=size.asked, offset=offset, deleted=deleted)
    try:
        items = msgspec.json.decode(body.removeprefix(lenient.BYTE_ORDER_MARK), type=list[dict[str, Any]])
        return [_listed(item, deleted=deleted) for item in items]
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError) as error:
        raise LookerMalformed("the listing of conversations is not a list of objects with ids", step="list") from error


def _listed(item: dict[str, Any], *, deleted: bool) -> Listed:
    if not isinstance(item["id"], str | int):
        raise TypeError("id")
    shown, owner = item.get("deleted"), item.get("user_id")
    return Listed(
        str(item["id"]),
        timestamp(item.get("updated_at")),
        shown if isinstance(shown, bool) else deleted,
        str(owner) if isinstance(owner, str | int) else "",
        timestamp(item.get("created_at")),
    )


class _NoMessages(ValueError):
    """The body is an object, and its messages are no list."""

    def __init__(self, reason: str, rest: dict[str, Any]) -> None:
        super().__init__(reason)
        self.rest = rest


def fetch(session: Session, listed: Listed) -> Conversation | Unreadable:
    """The whole conversation. A body that cannot be read is asked for once more before it counts as unreadable.

    Raises:
        LookerRefused, LookerUnavailable: as Session.get; LookerRefused 404 when it vanished since it was listed.
    """
    path = f"/conversations/{quote(listed.id, safe='')}"
    for _ in range(2):
        body = session.get(path)
        try:
            return _read(session, path, listed, body)
        except (ValueError, RecursionError) as error:
            unreadable = Unreadable(listed, _reason(error), body, rest=getattr(error, "rest", None))
    return unreadable


def _reason(error: ValueError | RecursionError) -> str:
    """Why a body cannot be read; no word of the body itself."""
    if isinstance(error, _NoMessages):
        return str(error)
    if isinstance(error, RecursionError):
        return "nested too deep to be read"
    if isinstance(error, UnicodeDecodeError):
        return "not valid UTF-8"
    return "not a JSON object" if isinstance(error, lenient.NotAnObject) else "not valid JSON"


def _read(session: Session, path: str, listed: Listed, body: bytes) -> Conversation:
    parts = lenient.document(body)
    messages = _array(parts.pop("messages", None))
    fields = {key: lenient.loads(value) for key, value in parts.items()}
    if lenient.is_null(messages):
        # The messages of a conversation are nullable, and may have been left out of the answer.
        answer = _messages(session, path)
        body = body.rstrip()[:-1] + b', "messages": ' + answer + b"}"
        messages = _answered(answer, fields)
    elif not lenient.is_array(messages):
        raise _NoMessages("messages is not an array", fields | {"messages": prune.bounded(messages)})
    return Conversation(listed, fields, [prune.canonical(message) for message in lenient.elements(messages)], body)


def _array(messages: Part) -> Part:
    """An array, also one that was stored as its JSON text; anything else as it is."""
    text = lenient.text(messages)
    if text is None or not text.lstrip().startswith("["):
        return messages
    try:
        found: Part = lenient.parsed(text)
    except (ValueError, RecursionError):
        return messages
    return found


def _messages(session: Session, path: str) -> bytes:
    """What `/messages` answers; nothing where it knows no messages: the conversation itself was there just now."""
    try:
        answer = session.get(f"{path}/messages").removeprefix(lenient.BYTE_ORDER_MARK).strip()
    except LookerRefused as error:
        if error.code != 404:
            raise
        answer = b""
    return b"[]" if answer in {b"", b"null"} else answer


def _answered(answer: bytes, fields: dict[str, Any]) -> Part:
    """The array that `/messages` answers with.

    Raises:
        _NoMessages: it is none.
    """
    source = "the answer to /messages"
    try:
        messages = _array(lenient.document(b'{"messages": %s}' % answer)["messages"])
    except (ValueError, RecursionError) as error:
        raise _NoMessages(f"{source} is {_reason(error)}", fields) from error
    if not lenient.is_array(messages):
        raise _NoMessages(f"{source} is not an array", fields | {"messages": prune.bounded(messages)})
    return messages
