"""The charts of the report, as Vega-Lite specifications.

Colours are CSS variables of the page, so that a chart follows light, dark and print without being drawn again.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from local.report.figures import LONGEST_SECONDS, Figures, Row

Spec = dict[str, Any]

HEIGHT = 220
BLUE, ORANGE, GREEN, RED, GREY = (f"var(--{name})" for name in ("blue", "orange", "green", "red", "grey"))
PERCENTILES = {"p50": BLUE, "p90": ORANGE, "p99": RED}
MEGABYTE = 1_000_000
CONFIG: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelLimit": 220,
    },
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "symbolType": "square",
        "offset": 4,
    },
}


def charts(figures: Figures) -> dict[str, Spec | None]:
    """Every chart by its name in the page; None where the period holds nothing to draw."""
    return {
        "activity": _activity(figures["daily"]),
        "answered": _answered(figures["daily"]),
        "distribution": _distribution(figures["distribution"]),
        "waits": _percentiles(figures["latency"], "wait", "Seconds from question to answer"),
        "first-thought": _percentiles(figures["latency"], "first_thought", "Seconds to first message"),
        "errors": _errors(figures["errors"]),
        "agents": _ranking(figures["agents"], "agent"),
        "explores": _ranking(figures["explores"], "name"),
        "savings": _savings(figures["savings"]),
    }


def _activity(daily: list[Row]) -> Spec | None:
    colours = {"Conversations": BLUE, "Active users": ORANGE}
    rows = [
        {**_dated(row), "what": what, "count": count}
        for row in daily
        for what, count in zip(colours, (row["conversations"], row["active_users"]), strict=True)
    ]
    base = alt.Chart(_data(rows)).encode(
        x=_day(),
        y=alt.Y("count:Q", title="Count per day", axis=_whole()),
        color=_colours("what", colours),
        tooltip=[_day_tip(), "what:N", "count:Q"],
    )
    bars = base.transform_filter("datum.what == 'Conversations'").mark_bar(cornerRadiusEnd=2)
    line = (
        base.transform_filter("datum.what == 'Active users'")
        .mark_line(point=alt.OverlayMarkDef(size=36), strokeWidth=2)
        .encode(x=_day().bandPosition(0.5))
    )
    return _finished(alt.layer(bars, line), rows)


def _answered(daily: list[Row]) -> Spec | None:
    rows = [
        {**_dated(row), "outcome": outcome, "count": turns, "place": place}
        for row in daily
        for place, (outcome, turns) in enumerate(
            [("Answered", row["answered"]), ("Unanswered", row["turns"] - row["answered"] - row["unknown"])]
        )
    ]
    return _finished(_stacked(rows, _day(), {"Answered": GREEN, "Unanswered": RED}, "Questions per day"), rows)


def _distribution(waits: list[Row]) -> Spec | None:
    rows = [{"begin": row["seconds"], "end": row["seconds"] + 5, "turns": row["turns"]} for row in waits]
    last = f"datum.value == {LONGEST_SECONDS} ? '{LONGEST_SECONDS}+' : datum.label"
    chart = (
        alt.Chart(_data(rows))
        .mark_bar(color=BLUE, cornerRadiusEnd=2, binSpacing=1)
        .encode(
            x=alt.X(
                "begin:Q",
                bin="binned",
                title="Seconds from question to answer",
                axis=alt.Axis(grid=False, labelExpr=last, tickMinStep=5),
            ),
            x2="end:Q",
            y=alt.Y("turns:Q", title="Questions", stack=None, axis=_whole()),
            tooltip=[alt.Tooltip("begin:Q", title="from, s"), alt.Tooltip("turns:Q", title="questions")],
        )
    )
    return _finished(chart, rows)


def _percentiles(latency: list[Row], span: str, title: str) -> Spec | None:
    rows = [
        {**_dated(row), "percentile": name, "seconds": row[f"{span}_{name}_seconds"]}
        for row in latency
        for name in PERCENTILES
        if row[f"{span}_{name}_seconds"] is not None
    ]
    chart = (
        alt.Chart(_data(rows))
        .mark_line(point=alt.OverlayMarkDef(size=28), strokeWidth=2)
        .encode(
            x=_day(),
            y=alt.Y("seconds:Q", title=title),
            color=_colours("percentile", PERCENTILES),
            tooltip=[_day_tip(), "percentile:N", alt.Tooltip("seconds:Q", format=".1f")],
        )
    )
    return _finished(chart, rows)


def _errors(errors: list[Row]) -> Spec | None:
    rows = [
        {
            "error_kind": row["error_kind"],
            "outcome": outcome,
            "count": row[outcome.lower()],
            "place": place,
            "rank": rank,
        }
        for rank, row in enumerate(errors)
        for place, outcome in enumerate(["Recovered", "Terminal"])
    ]
    return _finished(_ranked(rows, "error_kind", {"Recovered": BLUE, "Terminal": RED}, "Errors"), rows)


def _ranking(ranked: list[Row], name: str) -> Spec | None:
    rows = [
        {name: row[name], "outcome": outcome, "count": turns, "place": place, "rank": rank}
        for rank, row in enumerate(ranked)
        for place, (outcome, turns) in enumerate(
            [("Answered", row["answered"]), ("Unanswered", row["turns"] - row["answered"] - row["unknown"])]
        )
    ]
    return _finished(_ranked(rows, name, {"Answered": GREEN, "Unanswered": RED}, "Questions"), rows)


def _savings(savings: list[Row]) -> Spec | None:
    rows = [
        {**_dated(row), "outcome": outcome, "count": size / MEGABYTE, "place": place}
        for row in savings
        for place, (outcome, size) in enumerate(
            [("Stored", row["stored_bytes"]), ("Left out", row["raw_bytes"] - row["stored_bytes"])]
        )
    ]
    return _finished(_stacked(rows, _day(), {"Stored": BLUE, "Left out": GREY}, "MB per day"), rows)


def _stacked(rows: list[Row], x: alt.X, colours: dict[str, str], title: str) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("count:Q", title=title, stack="zero"),
            color=_colours("outcome", colours),
            order="place:O",
            tooltip=[_day_tip(), "outcome:N", alt.Tooltip("count:Q", title=title, format=",.4~g")],
        )
    )
    return chart


def _ranked(rows: list[Row], name: str, colours: dict[str, str], title: str) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(_data(rows))
        .mark_bar(size=14)
        .encode(
            y=alt.Y(f"{name}:N", title=None, sort=alt.EncodingSortField(field="rank", op="min")),
            x=alt.X("count:Q", title=title, stack="zero", axis=alt.Axis(tickMinStep=1, tickCount=5, format=",d")),
            color=_colours("outcome", colours),
            order="place:O",
            tooltip=[f"{name}:N", "outcome:N", alt.Tooltip("count:Q", title=title)],
        )
    )
    return chart


def _finished(chart: alt.Chart | alt.LayerChart | alt.FacetChart, rows: Sequence[Row]) -> Spec | None:
    if not rows:
        return None
    spec: Spec = chart.properties(width="container", height=HEIGHT).to_dict()
    return {**spec, "config": CONFIG}


def _data(rows: list[Row]) -> alt.Data:
    return alt.Data(values=rows)  # type: ignore[no-untyped-call]  # altair leaves it untyped


def _dated(row: Row) -> Row:
    return {"day": row["day"].isoformat()}


def _day() -> alt.X:
    axis = alt.Axis(format="%d %b", grid=False, labelOverlap=True, tickMinStep=86_400_000)
    return alt.X("day:T", timeUnit="utcyearmonthdate", title=None, axis=axis)


def _day_tip() -> alt.Tooltip:
    return alt.Tooltip("day:T", timeUnit="utcyearmonthdate", format="%d %b %Y")


def _whole() -> alt.Axis:
    return alt.Axis(tickMinStep=1, format=",d")


def _colours(field: str, colours: dict[str, str]) -> alt.Color:
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())))
