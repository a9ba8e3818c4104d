"""The dashboard as Cloud Monitoring's JSON: runs, rows, bytes, durations, failures, and the log."""

import json
from typing import Any

from infra.signals import Signals

WINDOW = "1d"
COLUMNS, WIDTH, HEIGHT = 48, 24, 16


def dashboard(signals: Signals) -> str:
    """JSON of the dashboard of one installation; every chart shows the sum of the day before each point."""
    charts = [
        # Without a template the legend shows the labels, of which there is one: the state.
        _chart("Runs", "runs in 24 h", {"": signals.runs_by_state(WINDOW)}),
        _chart("Duration", "s of runs in 24 h", _totals(signals, {"seconds": "seconds"})),
        _chart(
            "Conversations",
            "in 24 h",
            _totals(signals, {"fetched": "conversations_fetched", "unchanged": "conversations_unchanged"}),
        ),
        _chart("Messages written", "in 24 h", _totals(signals, {"messages": "messages"})),
        _chart("Bytes", "By in 24 h", _totals(signals, {"from Looker": "raw_bytes", "stored": "stored_bytes"})),
        _chart("Requests to Looker", "in 24 h", _totals(signals, {"requests": "api_calls"})),
        _chart("Users", "in 24 h", _totals(signals, {"seen": "users_seen"})),
        _chart(
            "Failures",
            "in 24 h",
            _totals(
                signals,
                {
                    "users failed": "users_failed",
                    "users unfinished": "users_unfinished",
                    "conversations rejected": "conversations_rejected",
                },
            ),
        ),
    ]
    log = {"title": "Errors", "logsPanel": {"filter": f"{signals.logs} AND severity>=ERROR"}}
    tiles = [*_grid(charts), _tile(log, 0, HEIGHT * (len(charts) // 2), COLUMNS)]
    return json.dumps(
        {"displayName": signals.service, "mosaicLayout": {"columns": COLUMNS, "tiles": tiles}}, sort_keys=True
    )


def _totals(signals: Signals, figures: dict[str, str]) -> dict[str, str]:
    return {legend: signals.total(figure, WINDOW) for legend, figure in figures.items()}


def _chart(title: str, axis: str, queries: dict[str, str]) -> dict[str, Any]:
    sets = [
        {
            **({"legendTemplate": legend} if legend else {}),
            "plotType": "LINE",
            "timeSeriesQuery": {"prometheusQuery": query},
        }
        for legend, query in queries.items()
    ]
    return {"title": title, "xyChart": {"dataSets": sets, "yAxis": {"label": axis, "scale": "LINEAR"}}}


def _grid(widgets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_tile(widget, n % 2 * WIDTH, n // 2 * HEIGHT, WIDTH) for n, widget in enumerate(widgets)]


def _tile(widget: dict[str, Any], x: int, y: int, width: int) -> dict[str, Any]:
    # Cloud Monitoring leaves a position of 0 out of its answer, which the provider would see as a change each time.
    place = {axis: at for axis, at in (("xPos", x), ("yPos", y)) if at}
    return {**place, "width": width, "height": HEIGHT, "widget": widget}
