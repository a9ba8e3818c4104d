"""The function's own process, as the framework runs it in the cloud."""

import time
from pathlib import Path

from local.looker.population import Population
from tests.conftest import Install
from tests.support.processes import descendants
from tests.support.truth import days_ago


def test_one_worker_process_whatever_the_number_of_workers(install: Install, tmp_path: Path) -> None:
    """The framework takes WORKERS for its number of processes; each would hold a copy of the function in memory."""
    installation = install(Population(users=1, conversations=1, now=days_ago(1)), tables=False)
    with installation.function_apart(tmp_path / "log", WORKERS="5") as function:
        assert function.process is not None
        # The framework starts its processes one after the other; the first one answers before the last is there.
        time.sleep(1.5)
        assert len(descendants(function.process.pid)) == 1
    with installation.function_apart(tmp_path / "log", WORKERS="5000") as function:
        answer = function.get("/healthz")
        assert (answer.status, "WORKERS: " in answer.body["error"]) == (500, True)
