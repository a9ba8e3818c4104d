"""`make demo`: Looker conversations arrive in a BigQuery warehouse, a day passes, and only what changed is fetched."""

import logging
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from local.function import Answer
from local.looker.population import Population
from local.rehearsal import DATASET, ROOT, Rehearsal, rehearsal
from local.report.figures import gather
from local.report.page import render

FOLDER = ROOT / ".local" / "demo"
USERS, CONVERSATIONS, MEAN_KB, LATENCY_SECONDS = 40, 600, 60.0, 0.04
CONVERSATION = r"/conversations/[^/]+$"
SEARCH = r"/conversations/search$"

WAREHOUSE = """
SELECT
  (SELECT COUNT(DISTINCT user_id) FROM `${dataset}.conversations`) AS users,
  COUNT(*) AS conversations,
  SUM(message_count) AS messages,
  SUM(raw_bytes) / 1e6 AS raw_mb,
  SUM(stored_bytes) / 1e6 AS stored_mb,
  (SELECT COUNT(*) FROM `${dataset}.rejects`) AS rejects
FROM `${dataset}.conversations`
"""
AGENTS = """
SELECT
  ANY_VALUE(agent_name) AS agent,
  SUM(conversations) AS conversations,
  SUM(turns) AS questions,
  100 * SUM(answered_turns) / SUM(turns) AS answered
FROM `${dataset}.agent_daily`
GROUP BY agent_id
ORDER BY questions DESC
"""
TURNS = """
SELECT agent_id, question, seconds_to_first_thought, wait_seconds, steps, errors
FROM `${dataset}.turns`
WHERE answered AND wait_seconds IS NOT NULL AND question IS NOT NULL
ORDER BY asked_at DESC
LIMIT 5
"""

console = Console()


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    begun = time.monotonic()
    console.print(
        Panel(
            "A simulated Looker, a BigQuery emulator and the function, all in this process.\n"
            "The function is the one that is deployed: functions-framework, looker-sdk, google-cloud-bigquery.",
            title="Sluice: agent conversations from Looker into BigQuery",
            border_style="cyan",
        )
    )
    # The population lives one day behind, so that a day can pass in it.
    population = Population(
        users=USERS, conversations=CONVERSATIONS, mean_kb=MEAN_KB, now=datetime.now(UTC) - timedelta(days=1)
    )
    with console.status("Starting the emulator, creating dataset, tables and views ..."):
        stage = rehearsal(FOLDER / "warehouse", population, latency_seconds=LATENCY_SECONDS, discovery_active_only=True)
        running = stage.__enter__()
    try:
        _story(running, population)
    finally:
        stage.__exit__(None, None, None)
    console.print(f"\nDone in {time.monotonic() - begun:.0f} s. Logs: {_shown(FOLDER / 'function.log')}")


def _story(running: Rehearsal, population: Population) -> None:
    with _log_to(FOLDER / "function.log"):
        yesterday = population.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        _run(running, "1. Rehearse: what would a historical run load?", f"/historical?dry-run=true&until={yesterday}")
        _run(running, "2. Load everything there is", f"/historical?until={yesterday}")
        changes = population.advance()
        console.print(
            f"\n[bold]A day passes in Looker:[/bold] {len(changes.created)} new conversations, {len(changes.updated)} "
            f"continued, {len(changes.deleted)} deleted, {len(changes.users)} new user."
        )
        _run(running, "3. The daily run fetches only what changed", "/daily")
        _run(running, "4. Once more: nothing changed, nothing is written", "/daily")
        _show_warehouse(running)
        _report(running)


def _report(running: Rehearsal) -> None:
    path = FOLDER / "report.html"
    with console.status("Writing the report ..."):
        dataset = f"{running.warehouse.project}.{DATASET}"
        path.write_text(render(gather(running.client, dataset, show_text=False)), encoding="utf-8")
    console.print(f"\nA report of all this, to open in a browser: [bold]{_shown(path)}[/bold]", soft_wrap=True)


def _run(running: Rehearsal, title: str, path: str) -> None:
    console.print(f"\n[bold]{title}[/bold]  [dim]POST {path}[/dim]")
    answers: list[Answer] = []
    worker = threading.Thread(target=lambda: answers.append(running.function.post(path)))
    running.looker.requests.clear()
    begun = time.monotonic()
    with _progress() as bar:
        listing = bar.add_task("users listed", total=None)
        fetching = bar.add_task("conversations fetched", total=None)
        worker.start()
        while worker.is_alive():
            worker.join(0.1)
            bar.update(listing, completed=len({each.user for each in running.looker.requests.find(SEARCH)}))
            fetched = [each for each in running.looker.requests.find(CONVERSATION) if not each.path.endswith("search")]
            bar.update(fetching, completed=len(fetched))
        for task in (listing, fetching):
            bar.update(task, total=bar.tasks[task].completed)
    if not answers or answers[0].status != 200:
        raise SystemExit(f"the function answered {answers[0] if answers else 'nothing'}")
    _show_run(answers[0].body, time.monotonic() - begun)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:>22}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _show_run(body: dict[str, Any], seconds: float) -> None:
    users, found = body["users"], body["conversations"]
    verb = "would load" if body["dry_run"] else "loaded"
    state = "green" if body["state"] == "completed" else "yellow"
    console.print(
        f"  [{state}]{body['state']}[/{state}] in {seconds:.1f} s: {users['finished']} users, {found['listed']} "
        f"conversations in the window, {found['unchanged']} unchanged, {verb} [bold]{found['fetched']}[/bold] with "
        f"{body['messages']} messages; {body['api_calls']} requests to Looker"
    )
    if body["bytes"]["raw"]:
        raw, stored = body["bytes"]["raw"] / 1e6, body["bytes"]["stored"] / 1e6
        console.print(
            f"  {raw:.1f} MB fetched, {stored:.1f} MB after pruning ({100 * (1 - stored / raw):.0f} % dropped)"
        )
    jobs = ", ".join(f"{name} {job}" for name, job in body["jobs"].items())
    console.print(f"  [dim]BigQuery jobs: {jobs or 'none'}[/dim]")
    if users["failed"]:
        console.print(
            f"  [dim]{users['failed']} users could not be impersonated (disabled or deleted in Looker): "
            "reported, retried by the next run, so the run is partial[/dim]"
        )


def _show_warehouse(running: Rehearsal) -> None:
    held = running.query(WAREHOUSE)[0]
    table = Table(title="\nIn the warehouse", title_justify="left", title_style="bold")
    for name in ("users", "conversations", "messages", "MB raw", "MB stored", "rejects"):
        table.add_column(name, justify="right")
    figures = (held["users"], held["conversations"], held["messages"])
    table.add_row(*map(str, figures), f"{held['raw_mb']:.1f}", f"{held['stored_mb']:.1f}", str(held["rejects"]))
    console.print(table)
    table = Table(title="\nAgents (view agent_daily)", title_justify="left", title_style="bold")
    for name in ("agent", "conversations", "questions", "answered"):
        table.add_column(name, justify="left" if name == "agent" else "right")
    for row in running.query(AGENTS):
        table.add_row(
            row["agent"] or "[dim]no agent, or deleted[/dim]",
            str(row["conversations"]),
            str(row["questions"]),
            f"{row['answered'] or 0:.0f} %",
        )
    console.print(table)
    table = Table(title="\nLatest answered questions (view turns)", title_justify="left", title_style="bold")
    for name in ("question", "first thought", "wait", "steps", "errors"):
        table.add_column(name, justify="left" if name == "question" else "right", no_wrap=name != "question")
    for row in running.query(TURNS):
        thought = row["seconds_to_first_thought"]
        shown = "-" if thought is None else f"{thought:.1f} s"
        table.add_row(row["question"], shown, f"{row['wait_seconds']:.1f} s", str(row["steps"]), str(row["errors"]))
    console.print(table)


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """The function's log lines go to a file: here the terminal belongs to the story."""
    handlers = [each for each in logging.getLogger().handlers if isinstance(each, logging.StreamHandler)]
    with path.open("w") as file:
        before = [handler.setStream(file) for handler in handlers]
        try:
            yield
        finally:
            for handler, stream in zip(handlers, before, strict=True):
                handler.setStream(stream)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    main()
