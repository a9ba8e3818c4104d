"""Two functions over the same warehouse at the same time: nothing twice, nothing lost, nothing back in time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.function import Answer, FunctionServer
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, everything, held, truth, watermarks


def together(functions: Sequence[FunctionServer], paths: Sequence[str]) -> list[Answer]:
    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(lambda function, path: function.post(path), functions, paths))


@pytest.mark.slow
def test_two_processes_over_one_warehouse(install: Install, tmp_path: Path) -> None:
    installation = install(
        Population(seed=9, users=3, conversations=24, mean_kb=16, now=days_ago(6)), latency_seconds=0.02
    )
    population = installation.population
    settings = {"OVERLAP_MINUTES": "10080", "WORKERS": "8"}
    with (
        installation.function(**settings) as one,
        installation.function_apart(tmp_path / "log", **settings) as other,
    ):
        # From nothing, both fetch and commit everything.
        answers = together((one, other), ("/historical", "/daily?since=2026-01-01"))
        assert [answer.status for answer in answers] == [200, 200], answers
        expected = everything(population)
        assert_holds(installation, expected)
        marks = watermarks(installation)

        # The same daily run twice.
        changes = population.advance()
        answers = together((one, other), ("/daily", "/daily"))
        assert [answer.status for answer in answers] == [200, 200], answers
        expected |= truth(population, {*changes.created, *changes.updated} & set(population.reachable()))
        assert_holds(installation, expected)
        assert all(
            (mark or days_ago(99)) >= (marks.get(user) or days_ago(99))
            for user, mark in watermarks(installation).items()
        )

        # Conversations go on while they are fetched: whatever was met halfway, the next run has all of it.
        with ThreadPoolExecutor(1) as pool:
            growing = pool.submit(lambda: [population.advance() for _ in range(4)])
            answers = together((one, other), ("/historical?refetch=true", "/daily"))
            grown = growing.result()
        assert [answer.status for answer in answers] == [200, 200], answers
        later = held(installation)
        assert all(later[id]["updated_at"] >= row["updated_at"] for id, row in expected.items())
        one.post("/daily")
        reachable = set(population.reachable())
        # A conversation deleted before it was met in its last version stays in the version that was.
        gone = {id for each in grown for id in each.deleted} - reachable
        final = held(installation)
        expected = {id: row for id, row in expected.items() if id not in gone} | truth(population, reachable)
        assert_holds(installation, expected | {id: final[id] for id in gone & set(final)})
    ended = [row["run_id"] for row in installation.rows("sync_runs") if row["state"] != "running"]
    assert len(ended) == len(set(ended)) == 7
