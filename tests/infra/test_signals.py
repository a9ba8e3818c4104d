"""What alerts and metrics look for is what the function really says."""

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import promql_parser
import pytest

from infra.signals import FIGURES, PROMQL_METRIC, RUN_LABELS, Signals
from sluice.logs import JsonFormatter
from sluice.plan import Kind, Order
from sluice.report import Report
from tests.infra.log_filter import matches
from tests.infra.recorder import Graph, flat

SERVICE = "sluice-prod"
SIGNALS = Signals(SERVICE)
NOW = datetime(2026, 1, 31, 1, tzinfo=UTC)


def summary(*, state: str = "completed", dry_run: bool = False) -> dict[str, Any]:
    """The line a real report gives, as Cloud Logging stores it."""
    report = Report("run-1", Order(Kind.DAILY, dry_run=dry_run), NOW, NOW, NOW)
    if state == "failed":
        report.fail(RuntimeError("x"))
    else:
        report.end(state)
    record = logging.makeLogRecord({"msg": "run", "levelname": "INFO", "levelno": logging.INFO, **report.summary()})
    payload = json.loads(JsonFormatter().format(record))
    return entry(jsonPayload=payload, severity=payload.pop("severity"))


def entry(log: str = "run.googleapis.com%2Fstdout", **fields: Any) -> dict[str, Any]:
    return {
        "logName": f"projects/p/logs/{log}",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": SERVICE}},
        **fields,
    }


def attempt(*, severity: str, job: str = "sluice-prod-daily", **fields: Any) -> dict[str, Any]:
    """The line Cloud Scheduler writes of an attempt that ended."""
    return {
        "logName": "projects/p/logs/cloudscheduler.googleapis.com%2Fexecutions",
        "resource": {"type": "cloud_scheduler_job", "labels": {"job_id": job}},
        "severity": severity,
        **fields,
    }


def selectors(query: str) -> list[tuple[str, dict[str, str]]]:
    """(metric, matchers) of every series a query reads; raises ValueError where it is not PromQL."""
    found: list[tuple[str, dict[str, str]]] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name or "", {matcher.name: matcher.value for matcher in node.matchers.matchers}))
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    return found


def queries(graph: Graph) -> list[str]:
    """Every PromQL query of the alerts and of the dashboard."""
    condition = "conditions[0].conditionPrometheusQueryLanguage.query"
    alerts = [dict(flat(alert.inputs)).get(condition) for alert in graph.of("alertPolicy:AlertPolicy")]
    charts = flat(json.loads(graph["observability/dashboard"].inputs["dashboardJson"]))
    return [query for query in alerts if query] + [text for path, text in charts if path.endswith("prometheusQuery")]


def test_every_figure_and_label_is_a_field_of_a_real_summary() -> None:
    payload = summary()["jsonPayload"]
    assert payload["event"] == "run_summary"
    assert set(RUN_LABELS) <= set(payload)
    for figure in FIGURES:
        assert isinstance(payload[figure.field], int | float), figure.field


@pytest.mark.parametrize("state", ["completed", "partial", "failed"])
def test_a_run_is_counted_whatever_became_of_it(state: str) -> None:
    assert matches(SIGNALS.summaries, summary(state=state))


def test_a_dry_run_and_another_service_are_not_counted() -> None:
    assert not matches(SIGNALS.summaries, summary(dry_run=True))
    assert not matches(Signals("sluice-staging").summaries, summary())
    assert not matches(SIGNALS.summaries, entry(jsonPayload={"event": "request", "dry_run": False}))


@pytest.mark.parametrize(
    ("line", "alerts"),
    [
        (summary(), False),
        (summary(state="partial"), False),
        (summary(state="failed"), True),
        (summary(state="failed", dry_run=True), True),
        (entry("run.googleapis.com%2Frequests", httpRequest={"status": 200}), False),
        (entry("run.googleapis.com%2Frequests", httpRequest={"status": 400}), False),
        (entry("run.googleapis.com%2Frequests", httpRequest={"status": 500}), True),
        (entry("run.googleapis.com%2Frequests", httpRequest={"status": 504}), True),
        (entry(jsonPayload={"state": "failed"}), False),
        (entry("run.googleapis.com%2Frequests", httpRequest={"status": 403}, severity="WARNING"), False),
        (attempt(severity="ERROR", httpRequest={"status": 403}), True),
        (attempt(severity="ERROR", httpRequest={"status": 404}), True),
        (attempt(severity="ERROR", httpRequest={"status": 429}), True),
        (attempt(severity="INFO", httpRequest={"status": 200}), False),
        (attempt(severity="ERROR", job="sluice-staging-daily"), False),
        (attempt(severity="ERROR", job="sluice-prod-daily-backfill"), False),
    ],
)
def test_a_failure_alerts_and_nothing_else_does(line: dict[str, Any], alerts: bool) -> None:
    assert matches(SIGNALS.failures, line) is alerts


def test_every_query_reads_metrics_and_labels_that_are_made(graph: Graph) -> None:
    made = {metric.inputs["name"]: metric.inputs for metric in graph.of("logging/metric:Metric")}
    assert len(queries(graph)) > len(FIGURES)
    for query in queries(graph):
        for series, matchers in selectors(query):
            name = re.sub("_sum$", "", series.removeprefix(f"{PROMQL_METRIC}_"))
            assert name in made, query
            assert (made[name]["metricDescriptor"]["valueType"] == "DISTRIBUTION") == series.endswith("_sum"), query
            assert set(matchers) - {"monitored_resource"} <= set(made[name].get("labelExtractors", {})), query


def test_every_figure_is_on_the_dashboard(base: Graph) -> None:
    shown = {series for query in queries(base) for series, _ in selectors(query)}
    assert shown >= {f"{PROMQL_METRIC}_{SIGNALS.metric(figure.field)}_sum" for figure in FIGURES}


def test_a_query_that_is_not_promql_is_noticed() -> None:
    with pytest.raises(ValueError, match=r"unclosed|unexpected|parenthes"):
        selectors("sum(increase(x[1d])")


@pytest.mark.parametrize("hours", [1, 30, 8784])
def test_a_run_may_be_an_hour_late_before_it_is_missed(hours: int) -> None:
    query, waited = SIGNALS.no_success(hours)
    assert f"[{hours}h]" in query
    assert waited == "3600s"


def test_a_day_that_summer_time_makes_longer_does_not_alert_by_default(base: Graph) -> None:
    """25 hours pass between two runs of a daily schedule then, and a run may begin an hour later than yesterday's."""
    condition = base["observability/no-success"].inputs["conditions"][0]["conditionPrometheusQueryLanguage"]
    window = re.search(r"\[(\d+)h\]", condition["query"])
    assert window
    assert int(window[1]) + int(condition["duration"].removesuffix("s")) / 3600 > 25 + 2


def test_a_bound_of_zero_asks_for_no_alert(base: Graph, configured: Callable[..., Graph]) -> None:
    none = configured(alert_no_success_hours="0", alert_partial_runs="0", alert_reject_percent="0")
    names = [{alert.name for alert in graph.of("alertPolicy:AlertPolicy")} for graph in (base, none)]
    assert names == [{"failed", "no-success", "partial", "rejects"}, {"failed"}]


def test_alerts_reach_the_channel_when_there_is_one(base: Graph, everything: Graph) -> None:
    existing = "projects/acme-analytics/notificationChannels/4711"
    for graph, channels in ((base, []), (everything, ["email-id", existing])):
        for alert in graph.of("alertPolicy:AlertPolicy"):
            assert alert.inputs["notificationChannels"] == channels


def test_alerts_come_after_the_metrics_they_read(graph: Graph) -> None:
    metrics = {metric.urn for metric in graph.of("logging/metric:Metric")}
    for alert in graph.of("alertPolicy:AlertPolicy"):
        assert metrics <= graph.before(alert)
