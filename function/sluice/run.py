"""The story of one run: plan -> adopt -> discover -> fetch, prune and load -> commit -> report."""

import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain

from sluice import cores
from sluice.convert import Converter, rating_lines
from sluice.deadline import Deadline
from sluice.errors import BudgetExceeded, FeedbackFailed, SluiceError
from sluice.looker import discovery, feedback
from sluice.looker.brake import Brake
from sluice.looker.conversations import Conversation, Unreadable
from sluice.looker.discovery import Found
from sluice.looker.fanout import Fanout
from sluice.looker.feedback import Columns
from sluice.looker.progress import Outcome
from sluice.looker.session import Looker
from sluice.looker.window import Window
from sluice.plan import Order, Plan, earliest
from sluice.recheck import MAX_RECHECKS, Recheck
from sluice.report import Report, Row
from sluice.settings import Settings
from sluice.warehouse.adopt import adopt
from sluice.warehouse.connection import Connection
from sluice.warehouse.ledger import Ledger, Move, staged_end
from sluice.warehouse.load import Staging, load_job_of
from sluice.warehouse.versions import Versions

LAST_WORDS_SECONDS = 20.0
"""After its limit, for a run to note that it failed."""
FEW = 2
"""Rejects on a quiet day: so many need not be the fault of all."""
DOUBTS = {"DiscoveryEmpty", "DiscoveryShrunk", "EverythingRejected", "FeedbackFailed"}
"""Errors that make a run partial although no user is left."""
FEEDBACK_SECONDS = 60.0
"""Longest wait for the ratings: what they take is taken from the conversations."""

log = logging.getLogger(__name__)


def new_run_id(now: datetime) -> str:
    """Sorts by time of start."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def run(settings: Settings, order: Order, run_id: str) -> Report:
    """Do what is ordered, within the time budget, and commit it, within the run's limit.

    Returns:
        The report of a `completed` or `partial` run: everything it counts as fetched is committed, unless the order
        is a dry run, which writes nothing.

    Raises:
        SluiceError: nothing was committed, as far as is known. What was staged by then, the next run commits.
    """
    started_at = datetime.now(UTC)
    report = Report(run_id, order, started_at, window_start=started_at, window_end=started_at)
    deadline = Deadline(settings.run_limit_seconds)
    brake = Brake(deadline=time.monotonic() + settings.run_budget_seconds)
    try:
        with cores.one(), closing(Connection(settings, deadline)) as connection:
            ledger = Ledger(connection)
            ledger.check_tables()
            plan = Plan.of(order, ledger.position(), started_at, settings)
            report.window_start, report.window_end = plan.since, plan.until
            with _in_the_ledger(connection, ledger, report):
                report.adopted = [] if order.dry_run else adopt(connection, ledger, settings.run_limit_seconds)
                if report.adopted:
                    plan = Plan.of(order, ledger.position(), started_at, settings)
                _sync(settings, plan, connection, ledger, brake, report)
    except BaseException as error:
        report.fail(error)
        log.exception("run failed", extra=report.summary())
        raise
    log.info("run %s", report.state, extra=report.summary())
    return report


@contextmanager
def _in_the_ledger(connection: Connection, ledger: Ledger, report: Report) -> Iterator[None]:
    """The start of a run is in the ledger before anything else, its failure when it fails; a dry run writes nothing."""
    if report.order.dry_run:
        yield
        return
    ledger.record(report.ledger_row())
    try:
        yield
    except BaseException as error:
        report.fail(error)
        try:
            with connection.until(Deadline(LAST_WORDS_SECONDS)):
                ledger.record(report.ledger_row())
        except SluiceError as unrecorded:
            log.warning(
                "the failure is not in the ledger", extra={"event": "ledger_unreachable", "error": str(unrecorded)}
            )
        raise


def _sync(settings: Settings, plan: Plan, connection: Connection, ledger: Ledger, brake: Brake, report: Report) -> None:
    order, looker = plan.order, Looker(settings, brake)
    try:
        with report.stage("discover"):
            found = _users(order, settings, looker, brake)
            active_until = found.users
            report.errors.update(plan.doubts(len(active_until)))
            if found.ignored:
                report.errors["DiscoveryRowsIgnored"] = found.ignored
        with report.stage("plan"):
            choice = plan.choose(active_until)
            windows = choice.windows
            report.users.update(seen=choice.seen, finished=choice.idle, skipped=choice.skipped)
            report.window_start = earliest(windows, plan.since)
            versions = Versions() if order.refetch else ledger.versions(_by_start(windows))
        ratings = _ratings(settings, looker, brake, report)
        recheck = Recheck(versions.fresh, MAX_RECHECKS if plan.rechecks else 0)
        converter = Converter(report.run_id, settings.max_string_bytes, keep_raw_rejects=settings.keep_raw_rejects)

        def convert(window: Window, found: Conversation | Unreadable) -> tuple[Row, int]:
            row = recheck.judged(window, found, converter(window, found)[0])
            return row, row.size

        fanout: Fanout[Row] = Fanout(
            looker,
            windows,
            known=lambda listed: (
                versions.holds(listed.id, listed.updated_at, listed.deleted, listed.owner)
                or ledger.lets_go(listed.created_at)
            ),
            recheck=recheck.wants,
            others=choice.idle > 0,
            convert=convert,
            page_size=settings.looker_page_size,
            include_deleted=settings.include_deleted,
            workers=settings.workers,
            buffer_bytes=settings.buffer_bytes,
            brake=brake,
        )
        if order.dry_run:
            with report.stage("transfer"):
                for _ in report.tally(fanout.rows()):
                    pass
            _account(report, fanout, looker)
            report.end(_state(report))
        else:
            staging = Staging(connection, report.run_id)
            _load_and_commit(plan, windows, fanout, ratings, looker, staging, ledger, brake, report)
    finally:
        looker.close()
        report.api_calls = looker.calls


def _users(order: Order, settings: Settings, looker: Looker, brake: Brake) -> Found:
    """Whose conversations are wanted, and until when each may have been active."""
    if order.users:
        return Found(dict.fromkeys(order.users))
    return discovery.users(
        looker.admin,
        settings.looker_user_query_id,
        settings.looker_user_id_key,
        settings.looker_user_activity_key,
        brake=brake,
    )


def _ratings(settings: Settings, looker: Looker, brake: Brake, report: Report) -> list[bytes]:
    """Lines of the ratings, where they are wanted. A failure costs the run nothing but its completeness."""
    if not settings.looker_feedback_query_id:
        return []
    columns = Columns(
        settings.looker_feedback_conversation_key,
        settings.looker_feedback_rating_key,
        settings.looker_feedback_time_key,
        settings.looker_feedback_user_key,
        settings.looker_feedback_comment_key,
    )
    patience = Brake(deadline=min(brake.deadline, time.monotonic() + FEEDBACK_SECONDS))
    try:
        with report.stage("feedback"):
            found = feedback.ratings(looker.admin, settings.looker_feedback_query_id, columns, patience)
    except FeedbackFailed as error:
        report.errors[type(error).__name__] += 1
        log.warning(
            "no ratings were fetched",
            extra={"event": "feedback_failed", "error": str(error), "hint": error.hint},
        )
        return []
    report.ratings = len(found)
    return rating_lines(found, report.run_id, settings.max_string_bytes)


def _load_and_commit(
    plan: Plan,
    windows: Sequence[Window],
    fanout: Fanout[Row],
    ratings: list[bytes],
    looker: Looker,
    staging: Staging,
    ledger: Ledger,
    brake: Brake,
    report: Report,
) -> None:
    def lines() -> Iterator[bytes]:
        yield from chain(report.tally(fanout.rows()), ratings)
        _account(report, fanout, looker)
        report.end(_state(report))

    def last_lines() -> Iterator[bytes]:
        report.jobs["load"] = load_job_of(report.run_id)
        return staged_end(_moves(plan, windows, fanout), report.ledger_row())

    with staging:
        with report.stage("transfer"):
            staging.load(lines(), last_lines, brake.bring_forward)
        if staging.job_id is None:
            report.jobs.clear()
        report.refused(staging.refused_rows)
        report.end(_state(report))
        with report.stage("commit"):
            moves = [] if staging.job_id else _moves(plan, windows, fanout)
            report.jobs["commit"] = ledger.commit(staging.table, moves, report.ledger_row(), staging.refused)


def _account(report: Report, fanout: Fanout[Row], looker: Looker) -> None:
    for outcome in fanout.outcomes.values():
        report.users[outcome.value] += 1
    report.conversations.update(fanout.counts)
    report.errors.update(fanout.errors)
    _note_doubts(report)
    # To log out is a call too, so it comes before the count that the ledger keeps.
    looker.close()
    report.api_calls = looker.calls


def _note_doubts(report: Report) -> None:
    """What makes a run doubtful although every request was answered.

    Raises:
        BudgetExceeded: the time was over before anything at all was read.
    """
    met, users = report.conversations, report.users
    if users["unfinished"] and users["unfinished"] == users["seen"] and not met["listed"]:
        raise BudgetExceeded("RUN_BUDGET_SECONDS was over before the conversations of any user were listed")
    if met["unannounced"]:
        report.errors["UpdatedAtStoodStill"] = met["unannounced"]
        log.warning(
            "conversations had new messages though updated_at stood still; /historical?refetch=true fetches them all",
            extra={"event": "updated_at_stood_still", "conversations": met["unannounced"]},
        )
    unreadable = met["rejected"] - met["given_up"]
    if unreadable and not met["fetched"] and (unreadable > FEW or not met["unchanged"]):
        report.errors["EverythingRejected"] = unreadable


def _state(report: Report) -> str:
    incomplete = report.users["failed"] or report.users["unfinished"]
    return "partial" if incomplete or DOUBTS & report.errors.keys() else "completed"


def _by_start(windows: Sequence[Window]) -> dict[datetime, list[str]]:
    users: dict[datetime, list[str]] = defaultdict(list)
    for window in windows:
        users[window.listed_since].append(window.user_id)
    return users


def _moves(plan: Plan, windows: Sequence[Window], fanout: Fanout[Row]) -> list[Move]:
    """Users with the same window and the same end of it, together."""
    groups: dict[tuple[datetime, datetime, bool, bool, str | None, bool], list[str]] = defaultdict(list)
    for window in windows:
        id = window.user_id
        finished, failed = fanout.outcomes[id] is Outcome.FINISHED, id in fanout.failing
        groups[window.since, window.until, finished, plan.anchors(window), fanout.reasons.get(id), failed].append(id)
    return [Move(*group[:4], user_ids, *group[4:]) for group, user_ids in groups.items()]
