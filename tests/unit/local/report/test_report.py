"""The report over the simulated population: complete in itself, silent about texts, and drawn by a real browser."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.looker.population import Population
from local.report.__main__ import main
from local.report.charts import charts
from local.report.figures import Figures, gather
from local.report.page import render
from local.warehouse.emulator import Warehouse
from tests.support.dataset import Dataset

NAMES = {"activity", "answered", "distribution", "waits", "first-thought", "errors", "agents", "explores", "savings"}
HOSTILE = "</script><script>alert(1)</script><!-- \u2028"


@pytest.fixture(scope="module")
def dataset(everything_of_sql: Dataset) -> Dataset:
    population = Population(seed=5, users=6, conversations=60, now=datetime.now(UTC))
    owned = [each for user in population.users for each in population.conversations_of(user.key)]
    rows = [
        {
            **population.expected(conversation.id),
            "conversation_agent": {"name": HOSTILE},
            "raw_bytes": 9000,
            "stored_bytes": 1000,
            "run_id": "r",
            "ingested_at": population.now,
        }
        for conversation in owned
    ]
    return everything_of_sql.fill(conversations=rows)


@pytest.fixture(scope="module")
def figures(dataset: Dataset) -> Figures:
    return gather(dataset.client, dataset.name, show_text=False)


@pytest.fixture(scope="module")
def page(figures: Figures) -> str:
    return render(figures)


def test_the_page_asks_nothing_of_the_network(page: str) -> None:
    assert "default-src 'none'" in page
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"(?:src|href)=|url\(|@import|https?:", markup)
    assert "$" not in markup


def test_text_cannot_leave_its_place(page: str) -> None:
    assert page.count("<script") == page.count("</script") == 2
    assert "alert(1)</script" not in page


def test_questions_are_hidden_unless_asked_for(dataset: Dataset, figures: Figures, page: str) -> None:
    shown = gather(dataset.client, dataset.name, show_text=True)
    questions = {row["question"] for row in shown["slowest"]}
    assert len(questions) == len(shown["slowest"]) == 10
    assert {row["question"] for row in figures["slowest"]} == {None}
    assert "step 1" not in page
    assert "step 1" in render(shown)


def test_every_chart_has_something_to_draw(figures: Figures) -> None:
    drawn = charts(figures)
    assert drawn.keys() == NAMES
    assert None not in drawn.values()


def test_the_command(
    warehouse: Warehouse, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    given = ["--endpoint", warehouse.url, "--project", warehouse.project]
    assert main([*given, "--dataset", dataset.name, "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")

    assert main([*given, "--dataset", dataset.name, "--out", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert main([*given, "--dataset", "nowhere", "--out", str(out)]) == 1
    assert capsys.readouterr().err.startswith("report: ")


@pytest.mark.browser
@pytest.mark.parametrize("width", [420, 1280])
def test_a_browser_draws_every_chart(page: str, tmp_path: Path, width: int) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    assert browser, "install chromium to run this test"
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},2000",
            "--virtual-time-budget=10000",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    body = done.stdout.partition("<main>")[2].partition("</main>")[0]
    drawn = dict(re.findall(r'<div class="chart[^"]*" id="([a-z-]+)"(.*?)</figure>', body, flags=re.DOTALL))
    assert drawn.keys() == NAMES
    for name, chart in drawn.items():
        assert re.search(r'class="mark-(?:rect|line|symbol) role-mark.*?<path [^>]*d="M', chart, flags=re.DOTALL), name
