"""Fifty workers over the conversations of all users.

The unit of work is a conversation, so that a user with thousands of them is shared by all workers.
Workers choose, in this order: close a user who is done, list on where conversations run out, fetch a conversation, open
the next user. So users finish before new ones are opened, at most as many sudo sessions are open as there are workers,
and no queue grows with the number of conversations.

What fails is noted, and judged when the workers have left (`verdict`): only then is it known what worked.
"""

import contextvars
import logging
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import msgspec

from sluice.errors import ImpersonationRefused, LoginRefused, LookerError, LookerRefused, LookerUnavailable
from sluice.looker import verdict
from sluice.looker.brake import Brake
from sluice.looker.buffer import Buffer
from sluice.looker.conversations import Conversation, Listed, PageSize, Unreadable, fetch, pages
from sluice.looker.progress import Outcome, Refusal, User
from sluice.looker.session import Looker, Session
from sluice.looker.verdict import Evidence, Skip, Trouble
from sluice.looker.window import Window

NOTICE_SECONDS = 1.0

log = logging.getLogger(__name__)


class Fanout[Row]:
    """One pass over the users. Iterate `rows()` once; then the attributes tell what happened.

    `outcomes` by user id, `reasons` of the skipped ones, `failing`: users who failed on their own account, while Looker
    answered others; `counts` of conversations, `errors` by class.

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
        recheck: whether a conversation is to be fetched although it is known; asked under a lock
        others: whether there are users besides these, left out because nothing is expected of them
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
        recheck: Callable[[Listed], bool] = lambda listed: False,
        others: bool = False,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.reasons: dict[str, str] = {}
        self.failing: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._looker, self._others = looker, others
        self._known, self._recheck, self._convert = known, recheck, convert
        self._page_size, self._deleted_passes = PageSize(page_size), (False, True) if include_deleted else (False,)
        self._workers, self._brake = min(workers, max(1, len(windows) * page_size)), brake
        self._buffer: Buffer[Row] = Buffer(buffer_bytes)
        self._changed = threading.Condition()
        self._waiting = deque(windows)
        self._listing: deque[User] = deque()
        self._fetches: deque[tuple[User, Listed, bool]] = deque()
        self._closing: deque[User] = deque()
        self._unsettled: list[User] = []
        self._open = 0
        self._running = 0
        self._halted = False
        self._ending: LookerError | None = None
        self._evidence = Evidence()

    def rows(self) -> Iterator[Row]:
        """What `convert` made, in no particular order, while the workers go on.

        Raises:
            LoginRefused, ImpersonationRefused, ConversationsUnavailable, LookerMalformed, LookerUnavailable: nothing
                was read. Once anything was, the run ends with what there is, and `outcomes` says who is left.
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
        yield from self._conclude()

    def _conclude(self) -> Iterator[Row]:
        """Judge those who are not simply done; give the rows of conversations that are given up."""
        halted = self._ending is not None
        for user in self._unsettled:
            self.outcomes[user.window.user_id] = user.outcome(self._evidence, halted=halted)
        finished = Outcome.FINISHED in self.outcomes.values()
        error = self._ending or verdict.whole(self._evidence, finished=finished, others=self._others)
        if error is not None and not finished and not self._evidence.fetched:
            raise error
        for user in self._unsettled:
            outcome = self.outcomes[user.window.user_id]
            if outcome is Outcome.SKIPPED:
                self._skip(user)
            elif outcome is Outcome.FAILED and not halted and user.failed and user.own(self._evidence):
                self.failing.add(user.window.user_id)
            elif outcome is Outcome.FINISHED:
                yield from self._given_up(user)

    def _skip(self, user: User) -> None:
        reason = user.skip or user.reason
        self.reasons[user.window.user_id] = str(reason)
        log.warning(
            "a user cannot be read, and is skipped",
            extra={"event": "user_skipped", "user_id": user.window.user_id, "reason": str(reason)},
        )

    def _given_up(self, user: User) -> Iterator[Row]:
        for refusal in user.refused:
            self.counts["given_up"] += 1
            yield self._convert(user.window, Unreadable(refusal.listed, f"refused: {refusal.text}", b""))[0]

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
                if self._may_open():
                    self._open += 1
                    return partial(self._begin, self._waiting.popleft(), sampled=self._evidence.in_doubt)
                if not self._open and (self._halted or not self._waiting):
                    return None
                self._changed.wait(NOTICE_SECONDS)

    def _may_open(self) -> bool:
        """Whether the next user is to be opened. In doubt, a sample of those who wait decides; the lock is held."""
        if not self._waiting or self._halted or self._open >= self._workers:
            return False
        if not self._evidence.in_doubt:
            return True
        if self._evidence.conclusive and not self._open:
            self._end(self._evidence.unlisted())
            return False
        # Users who wait side by side may be alike (the oldest ones disabled, say): the next one is drawn from all.
        self._waiting.rotate(random.randrange(len(self._waiting)))
        return self._evidence.sample + self._open < verdict.SAMPLE_SIZE

    def _end(self, error: LookerError) -> None:
        """Start nothing new, and try nothing again: all that would follow fails, too."""
        with self._changed:
            self._ending = self._ending or error
        self._brake.stop()
        self._halt()

    def _halt(self) -> None:
        """Start nothing new: what is queued is left unfinished, what is under way ends, sessions are closed."""
        with self._changed:
            if self._halted:
                return
            self._halted = True
            self.outcomes |= {window.user_id: Outcome.UNFINISHED for window in self._waiting}
            for user, _, held in self._fetches:
                user.unfinished = user.unfinished or not held
                user.pending -= 1
            for user in self._listing:
                user.unfinished, user.listing = True, False
            touched = {user for user, _, _ in self._fetches} | set(self._listing)
            self._fetches.clear()
            self._listing.clear()
            for user in touched:
                self._settle(user)

    def _begin(self, window: Window, *, sampled: bool) -> None:
        session = self._looker.sudo(window.user_id)
        self._list(User(window, session, self._changed_since(session, window), sampled=sampled))

    def _changed_since(self, session: Session, window: Window) -> Iterator[list[Listed]]:
        for deleted in self._deleted_passes:
            yield from pages(session, self._page_size, deleted=deleted, since=window.listed_since)

    def _list(self, user: User) -> None:
        page, user.before = None, self._evidence.listed
        try:
            page = next(user.pages, None)
        except LookerError as error:
            self._failed(user, error)
        else:
            self._answered(user)
        finally:
            self._listed(user, page)

    def _answered(self, user: User) -> None:
        with self._changed:
            self._evidence.listed += not user.listed
            user.listed = True

    def _listed(self, user: User, page: list[Listed] | None) -> None:
        with self._changed:
            if page is None:
                user.listing = False
            elif self._halted:
                user.listing, user.unfinished = False, True
            else:
                self._listing.append(user)
                self._queue(user, page)
            self._settle(user)

    def _queue(self, user: User, page: list[Listed]) -> None:
        for shown in page:
            item = shown if shown.owner else replace(shown, owner=user.window.user_id)
            covered = user.window.covers(item)
            held = self._known(item)
            wanted = self._recheck(item) if held else covered
            self.counts["listed"] += covered or wanted
            self.counts["unchanged"] += covered and not wanted
            self.counts["rechecked"] += held and wanted
            if wanted:
                user.pending += 1
                self._fetches.append((user, item, held))

    def _fetch(self, user: User, item: Listed, held: bool) -> None:
        before = self._evidence.fetched
        try:
            row, size = self._convert(user.window, fetch(user.session, item))
            with self._changed:
                self._evidence.fetched += 1
            self._buffer.put(row, size)
        except LookerError as error:
            if _is_gone(error):
                self._vanished(user)
            else:
                self._failed(user, error, item, held=held, before=before)
        finally:
            with self._changed:
                user.pending -= 1
                self._settle(user)

    def _vanished(self, user: User) -> None:
        with self._changed:
            self.counts["vanished"] += 1
            self._evidence.vanished += 1
            user.vanished += 1

    def _settle(self, user: User) -> None:
        """Hand the user over to be closed when nothing is left to do. The lock is held."""
        if not user.listing and not user.pending:
            self._closing.append(user)
        self._changed.notify_all()

    def _close(self, user: User) -> None:
        user.session.close()
        with self._changed:
            # Provisional where something went wrong: the last word is said when all is known.
            self.outcomes[user.window.user_id] = Outcome.FINISHED if user.done else Outcome.UNFINISHED
            if not user.done:
                self._unsettled.append(user)
            self._open -= 1
            self._changed.notify_all()

    def _failed(
        self, user: User, error: LookerError, item: Listed | None = None, *, held: bool = False, before: int = 0
    ) -> None:
        """Note what went wrong for a user, or for the conversation `item`; `held`: it is in the warehouse anyway."""
        met = self._looked_at(user, error)
        if isinstance(met, LookerError):
            self._end(met)
            met = verdict.trouble(error)
        with self._changed:
            if isinstance(met, Skip):
                user.skip = met
                return
            self.errors[_class(error)] += 1
            if self._brake.expired or self._ending is not None:
                user.unfinished = user.unfinished or not held
            elif met is Trouble.IMPERSONATION or met is Trouble.HIDDEN:
                self._note(user, met, error)
                user.skip = Skip.REFUSED
            elif item is None:
                self._note(user, met, error)
            elif not held:
                self._evidence.conversations[met] += 1
                user.refused.append(Refusal(item, met, str(error), before))
        log.warning(
            "a user's conversations were not all read",
            extra={"event": "user_failed", "user_id": user.window.user_id, "error": str(error), "step": error.step},
        )

    def _note(self, user: User, met: Trouble, error: LookerError) -> None:
        """A user who cannot be listed, or not to the end. The lock is held."""
        if not user.listed and user.trouble is None:
            self._evidence.users[met] += 1
            self._evidence.sample += user.sampled
        user.trouble, user.reason = met, str(error)

    def _looked_at(self, user: User, error: LookerError) -> Skip | Trouble | LookerError:
        """What the error means for this user, or the error that ends the run for all."""
        if isinstance(error, LoginRefused):
            return error
        try:
            if isinstance(error, LookerUnavailable) and self._brake.exhausted and not self._brake.expired:
                self._probe()
            if (
                isinstance(error, LookerRefused)
                and error.step == ImpersonationRefused.step
                and error.code in {403, 404}
            ):
                return user.skip or self._standing(user.window.user_id, error.code)
        except LookerError as fatal:
            return fatal if isinstance(fatal, LoginRefused) or self._brake.exhausted else verdict.trouble(fatal)
        return verdict.trouble(error)

    def _probe(self) -> None:
        """Many requests in a row failed: is it Looker, or what was asked for?"""
        try:
            self._looker.admin.get("/user", fields="id")
        except LookerRefused:
            return

    def _standing(self, user_id: str, refusal: int) -> Skip | Trouble:
        """Look at a user who may not be impersonated."""
        try:
            body = self._looker.admin.get(f"/users/{user_id}", fields="id,is_disabled")
            disabled = bool(msgspec.json.decode(body, type=dict[str, object]).get("is_disabled"))
            return verdict.standing(refusal, 200, disabled=disabled)
        except msgspec.DecodeError:
            return Trouble.IMPERSONATION
        except LookerRefused as error:
            return verdict.standing(refusal, error.code, disabled=False)


def _is_gone(error: LookerError) -> bool:
    """A conversation that is not there any more; a 404 to its owner's sudo, or to a part of it, is another thing."""
    return isinstance(error, LookerRefused) and error.code == 404 and error.step == LookerRefused.step


def _class(error: LookerError) -> str:
    return f"{type(error).__name__}:{error.step}" + (f":{error.code}" if isinstance(error, LookerRefused) else "")
