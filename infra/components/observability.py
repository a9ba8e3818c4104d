"""What is measured, who is told, and where to look."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from infra.charts import dashboard
from infra.signals import FIGURES, RUN_LABELS, Figure, Signals


class Observability(pulumi.ComponentResource):
    """Log-based metrics, alert policies (0 as a bound means none of that kind) and a dashboard."""

    def __init__(
        self,
        *,
        project: str,
        name: str,
        email: str,
        channels: Sequence[str],
        no_success_hours: int,
        partial_runs: int,
        reject_percent: int,
        labels: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sluice:cloud:Observability", "observability", None, opts)
        self._project, self._labels, self._name = project, labels, name
        self._signals = signals = Signals(name)
        self._metrics = [self._runs(), *(self._figure(figure) for figure in FIGURES)]
        self._channels: list[pulumi.Input[str]] = [*([self._channel(email).id] if email else []), *channels]
        self._log_alert(
            "failed",
            "A run failed",
            "Look at the log of the run: its `step` and `hint` say what to do. Nothing there? Then Cloud Scheduler's "
            "own line says which status its call was answered with: 401 and 403 are the grant, 404 the ingress, 429 "
            "and 503 a run that is under way.",
        )
        if no_success_hours:
            query, duration = signals.no_success(no_success_hours)
            text = (
                f"No daily run committed for {no_success_hours} hours. Is the schedule paused, or does every run die?"
            )
            self._alert("no-success", "No successful run", text, query, duration)
        if partial_runs:
            text = (
                f"{partial_runs} daily runs left users failed or unfinished; their reports say how many, the logs why."
            )
            self._alert("partial", "Runs stay partial", text, signals.partial_runs(partial_runs), severity="WARNING")
        if reject_percent:
            text = f"More than {reject_percent} % of the conversations were set aside; `rejects` has the reasons."
            query = signals.rejects(reject_percent)
            self._alert("rejects", "Many conversations rejected", text, query, severity="WARNING")
        self.dashboard = gcp.monitoring.Dashboard(
            "dashboard",
            project=project,
            dashboard_json=dashboard(signals),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._metrics),
        )
        self.register_outputs({"dashboard": self.dashboard.id})

    def _runs(self) -> gcp.logging.Metric:
        labels = [
            gcp.logging.MetricMetricDescriptorLabelArgs(key=key, value_type="STRING", description=description)
            for key, description in RUN_LABELS.items()
        ]
        return gcp.logging.Metric(
            "runs",
            project=self._project,
            name=self._signals.metric("runs"),
            description="Runs, by kind and state; dry runs do not count.",
            filter=self._signals.summaries,
            label_extractors={key: f"EXTRACT(jsonPayload.{key})" for key in RUN_LABELS},
            metric_descriptor=gcp.logging.MetricMetricDescriptorArgs(
                metric_kind="DELTA", value_type="INT64", unit="1", display_name="Runs", labels=labels
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _figure(self, figure: Figure) -> gcp.logging.Metric:
        return gcp.logging.Metric(
            figure.field.replace("_", "-"),
            project=self._project,
            name=self._signals.metric(figure.field),
            description=figure.description,
            filter=self._signals.summaries,
            value_extractor=f"EXTRACT(jsonPayload.{figure.field})",
            metric_descriptor=gcp.logging.MetricMetricDescriptorArgs(
                metric_kind="DELTA", value_type="DISTRIBUTION", unit=figure.unit, display_name=figure.description
            ),
            bucket_options=gcp.logging.MetricBucketOptionsArgs(
                exponential_buckets=gcp.logging.MetricBucketOptionsExponentialBucketsArgs(
                    num_finite_buckets=64, growth_factor=2, scale=1
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _channel(self, email: str) -> gcp.monitoring.NotificationChannel:
        return gcp.monitoring.NotificationChannel(
            "email",
            project=self._project,
            display_name=f"{self._name} by e-mail",
            type="email",
            labels={"email_address": email},
            user_labels=dict(self._labels),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _alert(
        self, name: str, title: str, text: str, query: str, duration: str = "0s", severity: str = "ERROR"
    ) -> None:
        condition = gcp.monitoring.AlertPolicyConditionArgs(
            display_name=title,
            condition_prometheus_query_language=gcp.monitoring.AlertPolicyConditionConditionPrometheusQueryLanguageArgs(
                query=query,
                duration=duration,
                evaluation_interval="300s",
                # A new log-based metric is unknown to Monitoring for some minutes, longer than the first `up` takes.
                disable_metric_validation=True,
            ),
        )
        self._policy(name, title, text, condition, None, severity)

    def _log_alert(self, name: str, title: str, text: str) -> None:
        condition = gcp.monitoring.AlertPolicyConditionArgs(
            display_name=title,
            condition_matched_log=gcp.monitoring.AlertPolicyConditionConditionMatchedLogArgs(
                filter=self._signals.failures
            ),
        )
        strategy = gcp.monitoring.AlertPolicyAlertStrategyArgs(
            auto_close="86400s",
            notification_rate_limit=gcp.monitoring.AlertPolicyAlertStrategyNotificationRateLimitArgs(period="3600s"),
        )
        self._policy(name, title, text, condition, strategy, "ERROR")

    def _policy(
        self,
        name: str,
        title: str,
        text: str,
        condition: gcp.monitoring.AlertPolicyConditionArgs,
        strategy: gcp.monitoring.AlertPolicyAlertStrategyArgs | None,
        severity: str,
    ) -> None:
        gcp.monitoring.AlertPolicy(
            name,
            project=self._project,
            display_name=f"{self._name}: {title}",
            combiner="OR",
            severity=severity,
            conditions=[condition],
            alert_strategy=strategy,
            notification_channels=self._channels,
            documentation=gcp.monitoring.AlertPolicyDocumentationArgs(content=text, mime_type="text/markdown"),
            user_labels=dict(self._labels),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._metrics),
        )
