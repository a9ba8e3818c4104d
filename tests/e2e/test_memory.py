"""The function's memory does not grow with the volume: 1 GB of raw conversations in the room of 50 MB."""

import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from local.function import in_own_process
from local.warehouse.deploy import deploy
from local.warehouse.emulator import PROJECT
from tests.support.processes import descendants, peak_bytes

MEAN_KB = 250
SMALL, LARGE = 50_000_000, 1_000_000_000
# A population's bodies are of about the size asked for: asked for a little more, a run has enough.
SPARE = 1.45


@contextmanager
def module(name: str, *arguments: str, settings: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """`python -m name` while the context lasts; what it prints until `settings` matches."""
    command = [sys.executable, "-m", name, *arguments]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            printed = ""
            while (found := settings.search(printed)) is None:
                line = process.stdout.readline()
                assert line, f"{name} ended: {printed}"
                printed += line
            yield found
        finally:
            process.send_signal(signal.SIGINT)


def peak_of_a_run(raw_bytes: int, sql: Path, folder: Path) -> tuple[int, int]:
    """Raw bytes fetched by a historical run, and the most memory a process of the function held."""
    count = int(raw_bytes * SPARE / MEAN_KB / 1000)
    looker = re.compile(
        r"LOOKER_BASE_URL=(\S+)\nLOOKER_CLIENT_ID=(\S+)\nLOOKER_CLIENT_SECRET=(\S+)\nLOOKER_USER_QUERY_ID=(\S+)\n"
    )
    population = ("--port", "0", "--conversations", str(count), "--users", "40", "--mean-kb", str(MEAN_KB))
    with (
        module("local.looker", *population, settings=looker) as simulated,
        module(
            "local.warehouse", "--port", "0", "--data", str(folder), settings=re.compile(r"(http://\S+)\n")
        ) as emulated,
    ):
        dataset = f"t{uuid.uuid4().hex}"
        endpoint = {"api_endpoint": emulated[1]}
        with bigquery.Client(PROJECT, AnonymousCredentials(), client_options=endpoint) as client:
            deploy(client, dataset, "US", sql)
        names = ("LOOKER_BASE_URL", "LOOKER_CLIENT_ID", "LOOKER_CLIENT_SECRET", "LOOKER_USER_QUERY_ID")
        settings = dict(zip(names, simulated.groups(), strict=True)) | {
            "GCP_PROJECT_ID": PROJECT,
            "BQ_DATASET": dataset,
        }
        with in_own_process(settings | {"BQ_ENDPOINT": emulated[1]}, folder / "log") as function:
            answer = function.post("/historical")
            assert answer.status == 200, answer
            assert answer.body["users"]["unfinished"] == 0
            assert answer.body["conversations"]["rejected"] == 0
            assert function.process is not None
            below = descendants(function.process.pid)
            return answer.body["bytes"]["raw"], max(peak_bytes(pid) for pid in below)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_volume(
    tables_only: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_raw, small_peak = peak_of_a_run(SMALL, tables_only, tmp_path / "small")
    large_raw, large_peak = peak_of_a_run(LARGE, tables_only, tmp_path / "large")
    with capsys.disabled():
        for raw, peak in ((small_raw, small_peak), (large_raw, large_peak)):
            print(f"\n{raw / 1e6:.0f} MB raw: the function held {peak / 1e6:.0f} MB at most", end="")  # noqa: T201 -- the figures are the result
    assert small_raw >= SMALL
    assert large_raw >= LARGE
    assert large_peak <= 1.25 * small_peak
