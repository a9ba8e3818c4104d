"""Fifty workers over the conversations of all users.

The unit of work is a conversation, so that a user with thousands of them is everybody's work and not one worker's.
Workers choose, in this order: close a user who is done, list on where conversations run out, fetch a conversation, open
the next user. So users finish before new ones are opened, at most as many sudo sessions are open as there are workers,
and no queue grows with the number of conversations.
"""

import contextvars
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from sluice.errors import (
    ConversationsUnavailable,
    ImpersonationRefused,
    LoginRefused,
    LookerError,
    LookerRefused,
    LookerUnavailable,
)
from sluice.looker.brake import Brake
from sluice.looker.buffer import Buffer
from sluice.looker.conversations import Conversation, Listed, PageSize, Unreadable, fetch, pages
from sluice.looker.session import Looker, Session

REFUSALS_THAT_COUNT_AS_ALL = 10
NOTICE_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Window:
    """What is wanted of one user: conversations changed from `since` to `until`, both included."""

    user_id: str
    since: datetime
    until: datetime


class Outcome(StrEnum):
    FINISHED = "finished"
    """The whole window was listed, and everything in it was fetched, unchanged or gone."""
    FAILED = "failed"
    """Looker refused or failed to answer for the user or one of their conversations."""
    UNFINISHED = "unfinished"
    """The time budget ended first."""


class _User:
    """A window being worked on. `pending` counts conversations queued or under way."""

    def __init__(self, window: Window, session: Session, listing: Iterator[list[Listed]]) -> None:
        self.window = window
        self.session = session
        self.pages = listing
        self.listing = True
        self.pending = 0
        self.failed = False
        self.unfinished = False

    @property
    def outcome(self) -> Outcome:
        if self.failed:
            return Outcome.FAILED
        return Outcome.UNFINISHED if self.unfinished else Outcome.FINISHED


class Fanout[Row]:
    """One pass over the users. Iterate `rows()` once; then `outcomes`, `counts` and `errors` tell what happened.

    Args:
        looker: the instance
        windows: one per user
        known: whether the warehouse holds that very version already
        convert: what is made of a conversation, in the worker: a row and its size in bytes
        page_size: conversations asked for per listing request
        include_deleted: list soft-deleted conversations too, in a second pass
        workers: threads
        buffer_bytes: rows held before workers wait for the reader
        brake: shared with the transport; carries the run's deadline
    """

    def __init__(
        self,
        looker: Looker,
        windows: Sequence[Window],
        *,
        known: Callable[[Listed], bool],
        convert: Callable[[Window, Conversation | Unreadable], tuple[Row, int]],
        page_size: int,
        include_deleted: bool,
        workers: int,
        buffer_bytes: int,
        brake: Brake,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._looker, self._windows = looker, windows
        self._known, self._convert = known, convert
        self._page_size, self._deleted_passes = PageSize(page_size), (False, True) if include_deleted else (False,)
        self._workers, self._brake = min(workers, max(1, len(windows) * page_size)), brake
        self._buffer: Buffer[Row] = Buffer(buffer_bytes)
        self._changed = threading.Condition()
        self._waiting = deque(windows)
        self._listing: deque[_User] = deque()
        self._fetches: deque[tuple[_User, Listed]] = deque()
        self._closing: deque[_User] = deque()
        self._open = 0
        self._running = 0
        self._halted = False
        self._listed_any = False
        self._refusals: Counter[str] = Counter()

    def rows(self) -> Iterator[Row]:
        """What `convert` made, in no particular order, while the workers go on.

        Raises:
            LoginRefused, ImpersonationRefused, ConversationsUnavailable, LookerUnavailable: nobody's conversations
                can be read; rows given before are then not to be used.
        """
        try:
            with ThreadPoolExecutor(self._workers, thread_name_prefix="looker") as pool:
                try:
                    self._start(pool)
                    yield from self._buffer
                finally:
                    self._brake.stop()
                    self._halt()
                    self._buffer.end()
        finally:
            for user in self._closing:
                user.session.close()
        if (refusal := self._refusal(everybody=not self._waiting)) is not None:
            raise refusal

    def _start(self, pool: ThreadPoolExecutor) -> None:
        self._running = self._workers
        for _ in range(self._workers):
            future = pool.submit(contextvars.copy_context().run, self._work)
            future.add_done_callback(self._left)

    def _left(self, future: Future[None]) -> None:
        error = future.exception()
        if error is not None:
            self._brake.stop()
            self._halt()
            self._buffer.fail(error)
        with self._changed:
            self._running -= 1
            if not self._running:
                self._buffer.end()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            with self._looker.flight.job():
                job()

    def _next(self) -> Callable[[], None] | None:
        """The next piece of work; waits for one; None when there will be none."""
        while True:
            if self._brake.expired:
                self._halt()
            with self._changed:
                if self._closing:
                    return partial(self._close, self._closing.popleft())
                if self._listing and len(self._fetches) < self._workers:
                    return partial(self._list, self._listing.popleft())
                if self._fetches:
                    return partial(self._fetch, *self._fetches.popleft())
                if self._waiting and not self._halted and self._open < self._workers:
                    refusal = self._refusal(everybody=False)
                    if refusal is None:
                        self._open += 1
                        return partial(self._begin, self._waiting.popleft())
                    # In doubt, nobody new: those who are open tell whether it is everybody.
                    if not self._open:
                        raise refusal
                if not self._open and (self._halted or not self._waiting):
                    return None
                self._changed.wait(NOTICE_SECONDS)

    def _halt(self) -> None:
        """Start nothing new: what is queued is left unfinished, what is under way ends, sessions are closed."""
        with self._changed:
            if self._halted:
                return
            self._halted = True
            self.outcomes |= {window.user_id: Outcome.UNFINISHED for window in self._waiting}
            for user, _ in self._fetches:
                user.unfinished = True
                user.pending -= 1
            for user in self._listing:
                user.unfinished, user.listing = True, False
            touched = {user for user, _ in self._fetches} | set(self._listing)
            self._fetches.clear()
            self._listing.clear()
            for user in touched:
                self._settle(user)

    def _begin(self, window: Window) -> None:
        session = self._looker.sudo(window.user_id)
        self._list(_User(window, session, self._changed_since(session, window)))

    def _changed_since(self, session: Session, window: Window) -> Iterator[list[Listed]]:
        for deleted in self._deleted_passes:
            yield from pages(session, self._page_size, deleted=deleted, since=window.since)

    def _list(self, user: _User) -> None:
        page = None
        try:
            page = next(user.pages, None)
            self._listed_any = True
        except LookerError as error:
            self._failed(user, error)
        finally:
            self._listed(user, page)

    def _listed(self, user: _User, page: list[Listed] | None) -> None:
        with self._changed:
            if page is None:
                user.listing = False
            elif self._halted:
                user.listing, user.unfinished = False, True
            else:
                self._listing.append(user)
                self._queue(user, [item for item in page if not _is_after(item, user.window)])
            self._settle(user)

    def _queue(self, user: _User, page: list[Listed]) -> None:
        changed = [item for item in page if not self._known(item)]
        self.counts["listed"] += len(page)
        self.counts["unchanged"] += len(page) - len(changed)
        user.pending += len(changed)
        self._fetches.extend((user, item) for item in changed)

    def _fetch(self, user: _User, item: Listed) -> None:
        try:
            row, size = self._convert(user.window, fetch(user.session, item))
            self._buffer.put(row, size)
        except LookerError as error:
            if isinstance(error, LookerRefused) and error.code == 404:
                self._count("vanished")
            else:
                self._failed(user, error)
        finally:
            with self._changed:
                user.pending -= 1
                self._settle(user)

    def _settle(self, user: _User) -> None:
        """Hand the user over to be closed when nothing is left to do. The lock is held."""
        if not user.listing and not user.pending:
            self._closing.append(user)
        self._changed.notify_all()

    def _close(self, user: _User) -> None:
        user.session.close()
        with self._changed:
            self.outcomes[user.window.user_id] = user.outcome
            self._open -= 1
            self._changed.notify_all()

    def _count(self, what: str) -> None:
        with self._changed:
            self.counts[what] += 1

    def _failed(self, user: _User, error: LookerError) -> None:
        """One user's failure; raises where it is surely everybody's."""
        if isinstance(error, LoginRefused):
            raise error
        if isinstance(error, LookerUnavailable) and self._brake.exhausted and not self._brake.expired:
            self._probe()
        log.warning(
            "a user's conversations were not all read",
            extra={"event": "user_failed", "user_id": user.window.user_id, "error": str(error), "step": error.step},
        )
        with self._changed:
            user.failed = user.failed or not self._brake.expired
            user.unfinished = True
            self.errors[_class(error)] += 1
            if isinstance(error, LookerRefused) and _is_systematic(error):
                self._refusals[error.step] += 1

    def _probe(self) -> None:
        """Many requests in a row failed: is it Looker, or what was asked for?"""
        try:
            self._looker.admin.get("/user", fields="id")
        except LookerRefused:
            return

    def _refusal(self, *, everybody: bool) -> LookerError | None:
        """The run's error where so many users were refused that it may be all of them, and none was listed."""
        enough = 1 if everybody else min(len(self._windows), REFUSALS_THAT_COUNT_AS_ALL)
        step, refused = next(iter(self._refusals.most_common(1)), ("", 0))
        if self._listed_any or refused < enough:
            return None
        if step == ImpersonationRefused.step:
            return ImpersonationRefused(f"Looker refused to impersonate all of the {refused} users tried")
        return ConversationsUnavailable(f"Looker refused the conversations of all of the {refused} users tried")


def _is_after(item: Listed, window: Window) -> bool:
    return item.updated_at is not None and item.updated_at > window.until


def _is_systematic(error: LookerRefused) -> bool:
    """A refusal that may be everybody's: 403 to a sudo (404 is a deleted user), 403 or 404 to a listing."""
    return error.code == 403 or (error.code == 404 and error.step != ImpersonationRefused.step)


def _class(error: LookerError) -> str:
    return f"{type(error).__name__}:{error.step}" + (f":{error.code}" if isinstance(error, LookerRefused) else "")
