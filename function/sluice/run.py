"""The story of one run: plan -> discover -> fetch, prune and load -> commit -> report."""

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
from sluice.errors import FeedbackFailed, SluiceError
from sluice.looker import discovery, feedback
from sluice.looker.brake import Brake
from sluice.looker.fanout import Fanout, Outcome, Window
from sluice.looker.feedback import Columns
from sluice.looker.session import Looker
from sluice.plan import Order, Plan, earliest
from sluice.report import Report, Row
from sluice.settings import Settings
from sluice.warehouse.connection import Connection
from sluice.warehouse.ledger import Ledger, Move
from sluice.warehouse.load import Staging
from sluice.warehouse.versions import Versions

FEEDBACK_SECONDS = 60.0
"""Longest wait for the ratings: what they take is taken from the conversations."""

log = logging.getLogger(__name__)


def new_run_id(now: datetime) -> str:
    """Sorts by time of start."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def run(settings: Settings, order: Order, run_id: str) -> Report:
    """Do what is ordered, within the time budget, and commit it.

    Returns:
        The report of a `completed` or `partial` run: everything it counts as fetched is committed, unless the order
        is a dry run, which writes nothing.

    Raises:
        SluiceError: nothing was committed.
    """
    started_at = datetime.now(UTC)
    report = Report(run_id, order, started_at, window_start=started_at, window_end=started_at)
    brake = Brake(deadline=time.monotonic() + settings.run_budget_seconds)
    try:
        with cores.one(), closing(Connection(settings)) as connection:
            ledger = Ledger(connection)
            ledger.check_tables()
            plan = Plan.of(order, ledger.position(), started_at, settings)
            report.window_start, report.window_end = plan.since, plan.until
            with _in_the_ledger(ledger, report):
                _sync(settings, plan, connection, ledger, brake, report)
    except BaseException as error:
        report.fail(error)
        log.exception("run failed", extra=report.summary())
        raise
    log.info("run %s", report.state, extra=report.summary())
    return report


@contextmanager
def _in_the_ledger(ledger: Ledger, report: Report) -> Iterator[None]:
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
            active_until = _users(order, settings, looker, brake)
        with report.stage("plan"):
            windows = plan.windows(active_until)
            report.users["seen"] = len(windows)
            windows = [each for each in windows if not plan.leaves_out(each, active_until[each.user_id])]
            report.users[Outcome.FINISHED.value] = report.users["seen"] - len(windows)
            report.window_start = earliest(windows, plan.since)
            versions = Versions() if order.refetch else ledger.versions(_by_start(windows))
        ratings = _ratings(settings, looker, brake, report)
        fanout: Fanout[Row] = Fanout(
            looker,
            windows,
            known=lambda listed: versions.holds(listed.id, listed.updated_at, listed.deleted),
            convert=Converter(report.run_id, settings.max_string_bytes),
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
            _load_and_commit(plan, windows, fanout, ratings, looker, staging, ledger, report)
    finally:
        looker.close()
        report.api_calls = looker.calls


def _users(order: Order, settings: Settings, looker: Looker, brake: Brake) -> dict[str, datetime | None]:
    """Whose conversations are wanted, and until when each may have been active."""
    if order.users:
        return dict.fromkeys(order.users)
    return discovery.users(
        looker.admin,
        settings.looker_user_query_id,
        settings.looker_user_id_key,
        settings.looker_user_activity_key,
        brake=brake,
    ).users


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
    report: Report,
) -> None:
    staging.create()
    try:
        with report.stage("transfer"):
            staging.load(chain(report.tally(fanout.rows()), ratings))
        _account(report, fanout, looker)
        if staging.job_id is not None:
            report.jobs["load"] = staging.job_id
        report.end(_state(report))
        with report.stage("commit"):
            moves = _moves(plan, windows, fanout.outcomes)
            report.jobs["commit"] = ledger.commit(staging.table, moves, report.ledger_row())
    finally:
        staging.drop()


def _account(report: Report, fanout: Fanout[Row], looker: Looker) -> None:
    for outcome in fanout.outcomes.values():
        report.users[outcome.value] += 1
    report.conversations.update(fanout.counts)
    report.errors.update(fanout.errors)
    # To log out is a call too, so it comes before the count that the ledger keeps.
    looker.close()
    report.api_calls = looker.calls


def _state(report: Report) -> str:
    lacking = report.users["failed"] or report.users["unfinished"] or report.errors["FeedbackFailed"]
    return "partial" if lacking else "completed"


def _by_start(windows: Sequence[Window]) -> dict[datetime, list[str]]:
    users: dict[datetime, list[str]] = defaultdict(list)
    for window in windows:
        users[window.since].append(window.user_id)
    return users


def _moves(plan: Plan, windows: Sequence[Window], outcomes: dict[str, Outcome]) -> list[Move]:
    """Users with the same window and the same end of it, together."""
    groups: dict[tuple[datetime, datetime, bool, bool], list[str]] = defaultdict(list)
    for window in windows:
        finished = outcomes[window.user_id] is Outcome.FINISHED
        groups[window.since, window.until, finished, plan.anchors(window)].append(window.user_id)
    return [Move(*group, user_ids) for group, user_ids in groups.items()]
