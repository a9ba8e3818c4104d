"""The page: figures and charts put into page.html, with everything it needs inside."""

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import vl_convert

from local.report.charts import Spec, charts
from local.report.figures import DAYS, Figures, Row

FOLDER = Path(__file__).parent
NOTHING = '<p class="nothing">Nothing in this period.</p>'
# After this many hours without a completed run a daily schedule has missed one.
STALE_HOURS = 26
# The interpreter needs no eval, which the content security policy of the page forbids.
EMBED = """
const specs = JSON.parse(document.getElementById("specs").textContent);
for (const [name, spec] of Object.entries(specs)) {
  vegaEmbed("#" + name, spec, {actions: false, renderer: "svg", ast: true});
}
"""
UNKNOWN = "\N{EN DASH}"


def render(figures: Figures) -> str:
    """The whole HTML document."""
    drawn = charts(figures)
    places = {name.replace("-", "_"): _place(name, spec) for name, spec in drawn.items()}
    specs = {name: spec for name, spec in drawn.items() if spec is not None}
    return _file("page.html").substitute(
        dataset=escape(figures.dataset),
        period=f"{figures.since:%d %b %Y} to {figures.made_at:%d %b %Y} ({DAYS} days)",
        made_at=f"{figures.made_at:%Y-%m-%d %H:%M} UTC",
        style=_file("page.css").template,
        headline=_headline(figures),
        not_understood=_not_understood(figures),
        slowest=_slowest(figures["slowest"], figures.show_text),
        health=_health(figures.one("health")),
        runs=_runs(figures["runs"]),
        specs=_data(specs),
        vega=_script(vl_convert.javascript_bundle(EMBED)),
        **places,
    )


def _headline(figures: Figures) -> str:
    totals, waits, health = figures.one("totals"), figures.one("waits"), figures.one("health")
    raw = sum(row["raw_bytes"] for row in figures["savings"])
    stored = sum(row["stored_bytes"] for row in figures["savings"])
    cards = [
        (_count(totals["conversations"]), "conversations", f"{_count(totals['turns'])} questions"),
        (_count(totals["active_users"]), "active users", f"in {DAYS} days"),
        (
            _percent(totals["answered"], totals["turns"] - totals["unknown"]),
            "answered",
            f"{_count(totals['answered'])} questions{_unknown(totals['unknown'])}",
        ),
        (_seconds(waits["p50"]), "median wait", f"90 % within {_seconds(waits['p90'])}"),
        (_percent(raw - stored, raw), "storage saved", f"{_size(stored)} kept of {_size(raw)}"),
        (_hours(health["hours_behind"]), "behind Looker", _state(health)),
    ]
    ratings = figures.one("ratings")
    if ratings["ratings"]:
        note = f"{_count(ratings['ratings'])} questions rated"
        cards.insert(3, (_percent(ratings["positive"], ratings["ratings"]), "rated good", note))
    return "".join(
        f'<div class="card"><dt>{escape(name)}</dt><dd><strong>{escape(value)}</strong>'
        f"<span>{escape(note)}</span></dd></div>"
        for value, name, note in cards
    )


def _unknown(turns: int) -> str:
    return f", {_count(turns)} unknown" if turns else ""


def _not_understood(figures: Figures) -> str:
    messages = figures.one("not_understood")["messages"]
    if not messages:
        return ""
    return f"<p>{_count(messages)} messages were not understood; the view <code>messages</code> shows which.</p>"


def _state(health: Row) -> str:
    if health["last_success_at"] is None:
        return "no completed run yet"
    late = health["hours_since_success"] > STALE_HOURS
    return f"last completed run {_hours(health['hours_since_success'])} ago{': late' if late else ''}"


def _place(name: str, spec: Spec | None) -> str:
    return NOTHING if spec is None else f'<div class="chart" id="{name}"></div>'


def _slowest(rows: list[Row], show_text: bool) -> str:
    head = ["Wait", "Conversation began (UTC)", "User", "Question no.", "Steps", "Errors", "Answered"]
    body = [
        [
            _seconds(row["seconds"]),
            f"{row['created_at']:%Y-%m-%d %H:%M}",
            row["user_id"],
            row["turn_number"],
            row["steps"],
            row["errors"],
            "yes" if row["answered"] else "no",
            *([row["question"]] if show_text else []),
        ]
        for row in rows
    ]
    return _table([*head, *(["Question"] if show_text else [])], body)


def _runs(rows: list[Row]) -> str:
    head = ["Started (UTC)", "Kind", "State", "Took", "Users", "Unfinished", "Fetched", "Rejected", "Failed at"]
    keys = ("users_seen", "users_unfinished", "conversations_fetched", "conversations_rejected", "failed_step")
    body = [
        [
            f"{row['started_at']:%Y-%m-%d %H:%M}",
            row["kind"],
            row["state"],
            _seconds(row["seconds"]),
            *(row[key] for key in keys),
        ]
        for row in rows
    ]
    return _table(head, body)


def _health(health: Row) -> str:
    counts = [
        ("Completed", "completed_7d"),
        ("Partial", "partial_7d"),
        ("Failed", "failed_7d"),
        ("Abandoned", "abandoned_7d"),
        ("Rejected conversations", "rejects_7d"),
    ]
    facts = [(f"{name}, last 7 days", health[key]) for name, key in counts]
    facts.append(("Users unfinished now", f"{health['users_unfinished']} of {health['users_known']}"))
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts)


def _table(head: Sequence[str], body: Iterable[Sequence[Any]]) -> str:
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in body)
    if not rows:
        return NOTHING
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(value: Any) -> str:
    kind = ' class="text"' if isinstance(value, str) and len(value) > 30 else ""
    return f"<td{kind}>{UNKNOWN if value is None else escape(str(value))}</td>"


def _count(value: int) -> str:
    return f"{value:,}"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else UNKNOWN


def _seconds(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.1f} s" if value < 60 else f"{int(value) // 60} min {int(value) % 60} s"


def _hours(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{max(0, value) * 60:.0f} min"
    return f"{value:.0f} h" if value < 72 else f"{value / 24:.0f} days"


def _size(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _script(code: str) -> str:
    """JavaScript that may stand inside <script>: neither its strings nor its patterns can close the element."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", code, flags=re.IGNORECASE)


def _data(specs: dict[str, Spec]) -> str:
    """JSON that may stand inside <script>, whatever text it holds."""
    return json.dumps(specs).replace("<", r"\u003c")


def _file(name: str) -> Template:
    return Template((FOLDER / name).read_text(encoding="utf-8"))
