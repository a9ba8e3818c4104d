"""What the function says of its runs, as Cloud Monitoring hears it: log filters, metrics and PromQL.

Every run ends with one log line, `jsonPayload.event="run_summary"`. A run that died leaves none, so its absence counts.
"""

from dataclasses import dataclass

LOG_METRIC = "logging.googleapis.com/user"
# cloud.google.com/monitoring/promql/promql-mapping: the first "/" of a metric's type becomes ":", the rest "_".
PROMQL_METRIC = "logging_googleapis_com:user"
RESOURCE = "cloud_run_revision"
RUN_LABELS = {"kind": "daily or historical", "state": "completed, partial or failed"}
# How long "no run" must stay true: a run that is late by less than this does not alert.
WAIT = "3600s"


@dataclass(frozen=True)
class Figure:
    """A number of the summary line: `field` of jsonPayload, `unit` in UCUM."""

    field: str
    unit: str
    description: str


FIGURES = (
    Figure("seconds", "s", "Duration of a run"),
    Figure("users_seen", "1", "Users that the System Activity query listed"),
    Figure("users_failed", "1", "Users whose conversations could not be read"),
    Figure("users_unfinished", "1", "Users left for the next run when the time was up"),
    Figure("conversations_fetched", "1", "Conversations fetched and written"),
    Figure("conversations_unchanged", "1", "Conversations that were up to date already"),
    Figure("conversations_rejected", "1", "Conversations set aside because they could not become rows"),
    Figure("messages", "1", "Messages written"),
    Figure("raw_bytes", "By", "Bytes read from Looker"),
    Figure("stored_bytes", "By", "Bytes left after pruning"),
    Figure("api_calls", "1", "Requests to the Looker API"),
)


@dataclass(frozen=True)
class Signals:
    """The signals of the Cloud Run service `service`."""

    service: str

    def metric(self, figure: str) -> str:
        """Name of the log-based metric of a figure; letters, digits and _ only, so that PromQL keeps it."""
        return f"{self.service}_{figure}".replace("-", "_")

    @property
    def logs(self) -> str:
        """Log filter: everything the service writes."""
        return f'resource.type="{RESOURCE}" AND resource.labels.service_name="{self.service}"'

    @property
    def summaries(self) -> str:
        """Log filter: one line per run that was meant to write."""
        return f'{self.logs} AND jsonPayload.event="run_summary" AND jsonPayload.dry_run=false'

    @property
    def failures(self) -> str:
        """Log filter: a run that says it failed, a request that ended without a run's answer, a call that got none.

        The request log of a call that was refused (401, 403, 404, 429) is no error; Cloud Scheduler's own line is.
        """
        failed = 'jsonPayload.event="run_summary" AND jsonPayload.state="failed"'
        died = 'log_id("run.googleapis.com/requests") AND httpRequest.status>=500'
        job = f'resource.type="cloud_scheduler_job" AND resource.labels.job_id="{self.service}-daily"'
        unanswered = f"{job} AND severity>=ERROR"
        return f"({self.logs} AND (({failed}) OR ({died}))) OR ({unanswered})"

    def runs(self, window: str, *matchers: str) -> str:
        """PromQL: number of runs in `window`."""
        return f"sum(increase({self._series('runs', *matchers)}[{window}]))"

    def total(self, figure: str, window: str) -> str:
        """PromQL: sum of a figure over the runs in `window`."""
        return f"sum(increase({self._series(f'{figure}_sum')}[{window}]))"

    def runs_by_state(self, window: str) -> str:
        """PromQL: number of runs in `window`, by state."""
        return f"sum by (state) (increase({self._series('runs')}[{window}]))"

    def no_success(self, hours: int) -> tuple[str, str]:
        """PromQL true when no daily run committed for `hours`, and how long it must stay true (seconds, as text)."""
        succeeded = self.runs(f"{hours}h", 'kind="daily"', 'state!="failed"')
        return f"({succeeded} or vector(0)) < 0.5", WAIT

    def partial_runs(self, runs: int) -> str:
        """PromQL true when `runs` daily runs in as many days were partial and none completed.

        Monitoring keeps no order of runs; with none completed in between, the partial ones were in a row.
        """
        partial = self.runs(f"{runs}d", 'kind="daily"', 'state="partial"')
        completed = self.runs(f"{runs}d", 'kind="daily"', 'state="completed"')
        return f"({partial} > {runs - 0.5}) and (({completed} or vector(0)) < 0.5)"

    def rejects(self, percent: int) -> str:
        """PromQL true when more than `percent` of the conversations of a day were rejected."""
        written, rejected = (self.total(f"conversations_{fate}", "24h") for fate in ("fetched", "rejected"))
        return f"100 * {rejected} / clamp_min({written} + {rejected}, 1) > {percent}"

    def _series(self, figure: str, *matchers: str) -> str:
        selector = ",".join([f'monitored_resource="{RESOURCE}"', *matchers])
        return f"{PROMQL_METRIC}_{self.metric(figure)}{{{selector}}}"
