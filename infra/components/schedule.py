"""The call that starts the daily run."""

import pulumi
import pulumi_gcp as gcp

# The longest that Cloud Scheduler waits for an answer; the function's timeout is below it.
DEADLINE = "1800s"


class Schedule(pulumi.ComponentResource):
    """A Cloud Scheduler job that calls `/daily` as the invoker.

    A run may be repeated: it takes up where the last commit ended. A retry comes after a pause long enough for the
    instance to be free again.
    """

    def __init__(
        self,
        *,
        project: str,
        name: str,
        region: str,
        url: pulumi.Input[str],
        invoker: gcp.serviceaccount.Account,
        cron: str,
        time_zone: str,
        paused: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sluice:cloud:Schedule", "schedule", None, opts)
        self.job = gcp.cloudscheduler.Job(
            "daily",
            project=project,
            region=region,
            name=f"{name}-daily",
            description="Brings the conversations that changed since the last run.",
            schedule=cron,
            time_zone=time_zone,
            paused=paused,
            attempt_deadline=DEADLINE,
            retry_config=gcp.cloudscheduler.JobRetryConfigArgs(
                retry_count=3,
                min_backoff_duration="300s",
                max_backoff_duration="1800s",
                max_retry_duration="0s",
                max_doublings=3,
            ),
            http_target=gcp.cloudscheduler.JobHttpTargetArgs(
                http_method="POST",
                uri=pulumi.Output.concat(url, "/daily"),
                oidc_token=gcp.cloudscheduler.JobHttpTargetOidcTokenArgs(
                    service_account_email=invoker.email, audience=url
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"job": self.job.id})
