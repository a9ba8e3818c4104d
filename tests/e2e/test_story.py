"""The main job, day by day: a dry run, the history, the days after, and what changes nothing."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from local.function import Answer
from local.looker.cast import Standing
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, held, owed, skipped, truth, watermarks


def counts(answer: Answer) -> dict[str, int]:
    """What became of the conversations; zeros left out."""
    return {name: count for name, count in answer.body["conversations"].items() if count}


def users(population: Population, standing: Standing) -> set[str]:
    return {user.key for user in population.discoverable() if user.standing is standing}


def assert_totals(answer: Answer, rows: Iterable[dict[str, Any]]) -> None:
    """The report's messages and bytes are those of the rows."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums.update({name: row[name] for name in ("message_count", "raw_bytes", "stored_bytes")})
    assert answer.body["messages"] == sums["message_count"]
    assert answer.body["bytes"] == {"raw": sums["raw_bytes"], "stored": sums["stored_bytes"]}


def test_history_then_day_after_day(install: Install) -> None:
    installation = install(Population(users=8, conversations=36, mean_kb=16, now=days_ago(3)))
    population, journal = installation.population, installation.looker.requests
    ids = population.reachable()
    expected = truth(population, ids)
    active = users(population, Standing.ACTIVE)

    # The days pass before the function's own now, so a watermark must reach back over them.
    with installation.function(OVERLAP_MINUTES="10080") as function:
        # A dry run does everything but write.
        before = installation.everything()
        dry = function.post("/historical?dry-run=true")
        assert (dry.status, dry.body["state"], dry.body["dry_run"]) == (200, "completed", True)
        assert installation.everything() == before
        assert installation.fetched() == sorted(ids)
        assert installation.looker.open_tokens == 0

        # The run that follows loads what it said.
        real = function.post("/historical")
        assert (real.status, real.body["state"], real.body["dry_run"]) == (200, "completed", False)
        assert_holds(installation, expected)
        for name in ("users", "conversations", "messages", "bytes", "errors"):
            assert dry.body[name] == real.body[name], name
        # Which page is known to be a user's last depends on whose was read before; every call is counted all the same.
        assert dry.body["api_calls"] + real.body["api_calls"] == journal.total
        assert counts(real) == {"listed": len(ids), "fetched": len(ids)}
        assert_totals(real, expected.values())
        assert sum(group["rows"] for group in dry.body["would_load"]) == len(ids)
        groups = Counter((row["agent_id"] or "", row["created_at"].date().isoformat()) for row in expected.values())
        assert {(group["agent_id"], group["day"]): group["rows"] for group in dry.body["would_load"]} == groups
        assert sum(group["raw_bytes"] for group in dry.body["would_load"]) == real.body["bytes"]["raw"]
        assert sum(group["stored_bytes"] for group in dry.body["would_load"]) == real.body["bytes"]["stored"]

        # Who is gone or locked out is reported and remembered, and holds nobody up.
        shut = users(population, Standing.DISABLED) | users(population, Standing.DELETED)
        assert real.body["users"] == {
            "seen": 8,
            "finished": len(active),
            "skipped": len(shut),
            "failed": 0,
            "unfinished": 0,
        }
        assert real.body["errors"] == {}
        reached = datetime.fromisoformat(real.body["window"]["until"])
        assert watermarks(installation) == dict.fromkeys(active, reached) | dict.fromkeys(shut)
        disabled, deleted = users(population, Standing.DISABLED), users(population, Standing.DELETED)
        assert skipped(installation) == dict.fromkeys(disabled, "disabled") | dict.fromkeys(deleted, "deleted")
        # Whoever is enabled again is owed the whole history; nothing is expected of who is gone.
        assert set(owed(installation)) == disabled
        assert installation.rows("rejects") == []
        assert installation.tables() == ["conversations", "feedback", "rejects", "sync_runs", "sync_users"]

        # Nothing has changed: nothing is fetched, no job loads, watermarks stay.
        journal.clear()
        again = function.post("/historical")
        assert counts(again) == {"listed": len(ids), "unchanged": len(ids)}
        assert installation.fetched() == []
        assert "load" not in again.body["jobs"]
        # Nor are they asked for whom Looker refused: it is too early to ask again.
        assert again.body["users"]["skipped"] == len(shut)
        assert journal.find(rf"/(login|users)/({'|'.join(shut)})$") == []

        # A day passes: a daily run fetches what changed and nothing else.
        changes = population.advance()
        expected |= truth(population, {*changes.created, *changes.updated} & set(population.reachable()))
        journal.clear()
        daily = function.post("/daily")
        assert daily.status == 200
        assert installation.fetched() == sorted({*changes.created, *changes.updated} & set(population.reachable()))
        assert_holds(installation, expected)
        assert "load" in daily.body["jobs"]

        # The newcomer shows in System Activity only now, with a conversation from before the last run.
        (newcomer,) = changes.users
        late = {each.id for each in population.conversations_of(newcomer)}
        assert late
        assert not late & set(expected)
        later = population.advance()
        expected |= truth(population, {*late, *later.created, *later.updated} & set(population.reachable()))
        function.post("/daily")
        assert late <= set(expected)
        assert_holds(installation, expected)

        # A second daily run changes nothing.
        journal.clear()
        unchanged = held(installation)
        second = function.post("/daily")
        assert installation.fetched() == []
        assert second.body["conversations"]["fetched"] == 0
        assert "load" not in second.body["jobs"]
        assert held(installation) == unchanged
        assert all(mark is not None for user, mark in watermarks(installation).items() if user not in shut)

    assert installation.looker.open_tokens == 0
    assert installation.looker.peak_open_tokens <= 51
