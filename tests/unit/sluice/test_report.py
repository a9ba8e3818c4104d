from datetime import UTC, datetime, timedelta

import pytest

from sluice import __version__
from sluice.errors import LoginRefused, LookerUnavailable
from sluice.plan import Kind, Order
from sluice.report import CONVERSATIONS, Report, Row

START = datetime(2026, 11, 1, tzinfo=UTC)


def report(order: Order | None = None) -> Report:
    return Report("r", order or Order(Kind.DAILY), START, window_start=START - timedelta(days=1), window_end=START)


def row(agent: str = "a", day: str = "2026-10-31", *lines: bytes, rejected: bool = False) -> Row:
    return Row(lines or (b"line\n",), rejected, agent, day, messages=3, raw_bytes=100, stored_bytes=40, texts_cut=1)


def test_rows_are_counted_as_they_pass() -> None:
    told = report(Order(Kind.DAILY, dry_run=True))
    rows = [row(), row("a"), row("b"), row("a", "2026-11-01"), row("", "", b"1\n", b"2\n", rejected=True)]
    passing = told.tally(iter(rows))
    assert next(passing) == b"line\n"
    assert told.conversations["fetched"] == 1, "counted one by one, not all at once"
    assert list(passing) == [b"line\n"] * 3 + [b"1\n", b"2\n"]
    assert (told.conversations["fetched"], told.conversations["rejected"]) == (4, 1)
    assert (told.messages, told.raw_bytes, told.stored_bytes, told.texts_cut) == (12, 500, 160, 4)
    assert told.body()["would_load"] == [
        {"agent_id": "a", "day": "2026-10-31", "rows": 2, "raw_bytes": 200, "stored_bytes": 80},
        {"agent_id": "a", "day": "2026-11-01", "rows": 1, "raw_bytes": 100, "stored_bytes": 40},
        {"agent_id": "b", "day": "2026-10-31", "rows": 1, "raw_bytes": 100, "stored_bytes": 40},
    ]


def test_the_size_of_a_row_is_that_of_its_lines() -> None:
    assert row("", "", b"12\n", b"345\n").size == 7


def test_only_a_dry_run_tells_what_it_would_load() -> None:
    assert "would_load" not in report().body()


def test_the_answer_to_the_caller() -> None:
    told = report()
    told.users.update(seen=3, finished=1, failed=2)
    told.errors["LookerRefused:impersonate:403"] = 2
    told.jobs["load"] = "j"
    with told.stage("discover"):
        pass
    told.end("partial")
    body = told.body()
    assert (body["state"], body["kind"], body["dry_run"]) == ("partial", "daily", False)
    assert body["users"] == {"seen": 3, "finished": 1, "skipped": 0, "failed": 2, "unfinished": 0}
    assert body["conversations"] == dict.fromkeys(CONVERSATIONS, 0)
    assert body["window"] == {"since": "2026-10-31T00:00:00+00:00", "until": "2026-11-01T00:00:00+00:00"}
    assert (body["errors"], body["jobs"]) == ({"LookerRefused:impersonate:403": 2}, {"load": "j"})
    assert 0 <= body["stages"]["discover"] < 1
    assert datetime.fromisoformat(body["ended_at"]) > START


def test_the_line_that_says_so_follows_what_was_sent() -> None:
    told = report()
    sent = Row((b"a\n", b"b\n"), True, "", "", 0, 10, 0, 0, sent=b"sent\n")
    assert list(told.tally([sent])) == [b"a\n", b"b\n", b"sent\n"]


def test_rows_that_bigquery_refused_count_as_rejected() -> None:
    told = report()
    told.conversations.update(fetched=5, rejected=1)
    told.refused(2)
    assert told.body()["conversations"] | {"fetched": 3, "rejected": 3} == told.body()["conversations"]


def test_a_stage_that_fails_is_measured_as_well() -> None:
    told = report()
    with pytest.raises(KeyError), told.stage("transfer"):
        raise KeyError
    assert "transfer" in told.stages


def test_a_failure_of_ours_is_told_with_its_step_and_hint() -> None:
    told = report()
    told.fail(LookerUnavailable("GET /x: HTTP 502"))
    assert told.state == "failed"
    assert told.failure == {"step": "looker", "error": "GET /x: HTTP 502", "hint": LookerUnavailable.hint}
    assert told.ledger_row()["failure"] == told.summary()["failure"] == told.failure
    told.fail(LoginRefused("no"))
    assert (told.failure or {})["step"] == "login"


def test_of_any_other_failure_only_the_type_is_told() -> None:
    told = report()
    told.fail(KeyError("canary text"))
    assert "canary" not in str(told.failure)
    assert (told.failure or {})["error"] == "KeyError"


def test_the_summary_is_what_alerts_look_for() -> None:
    told = report()
    told.end("completed")
    summary = told.summary()
    assert (summary["event"], summary["state"], summary["users_seen"]) == ("run_summary", "completed", 0)
    assert summary["seconds"] > 0
    assert "failure" not in summary


def test_the_row_of_the_ledger() -> None:
    narrowed = Order(Kind.HISTORICAL, since=START, users=("7", "8"), refetch=True)
    told = report(narrowed)
    written = told.ledger_row()
    assert (written["kind"], written["state"], written["version"]) == ("historical", "running", __version__)
    assert written["requested"] == {"since": START.isoformat(), "users": ["7", "8"], "refetch": True}
    assert report(Order(Kind.HISTORICAL, dry_run=True)).ledger_row()["requested"] is None
    assert written["ended_at"] is None


def test_a_row_fetched_again_and_unchanged_sends_nothing() -> None:
    """The line that says a row was sent would count as a row that BigQuery refused: a reject of what is well held."""
    told = report()
    again = Row((), False, "a", "2026-10-31", 3, 100, 40, 0, sent=b"sent\n", repeated=True)
    assert list(told.tally(iter([again]))) == []
    assert (told.conversations["unchanged"], told.conversations["fetched"]) == (1, 0)
