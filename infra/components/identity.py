"""Who acts: one service account per job, each with its project-wide roles. Narrower roles sit beside what they open."""

import pulumi
import pulumi_gcp as gcp

PURPOSES = {
    "runtime": "Runs the function: reads Looker, writes the dataset.",
    "build": "Builds the function's image; nothing else.",
    "invoker": "Cloud Scheduler calls the function as this account.",
}


class Identity(pulumi.ComponentResource):
    """The accounts `runtime`, `build` and `invoker`.

    Attributes:
        runtime, build, invoker: the accounts.
        build_grants: what a build needs at the level of the project.
        runtime_grants: what a run needs at the level of the project.
    """

    def __init__(self, *, project: str, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("sluice:cloud:Identity", "identity", None, opts)
        self._project = project
        self.runtime, self.build, self.invoker = (self._account(name, purpose) for purpose in PURPOSES)
        self.runtime_grants = [self._grant("runtime-jobs", self.runtime, "roles/bigquery.jobUser")]
        self.build_grants = [
            self._grant("build-logs", self.build, "roles/logging.logWriter"),
            self._grant(
                "build-copies",
                self.build,
                "roles/storage.objectViewer",
                gcp.projects.IAMMemberConditionArgs(
                    title="copies-of-the-source",
                    description="Cloud Functions copies the source into a bucket of its own before it builds.",
                    expression='resource.name.startsWith("projects/_/buckets/gcf-v2-sources-")',
                ),
            ),
        ]
        self.register_outputs({purpose: getattr(self, purpose).email for purpose in PURPOSES})

    def _account(self, name: str, purpose: str) -> gcp.serviceaccount.Account:
        return gcp.serviceaccount.Account(
            purpose,
            project=self._project,
            account_id=f"{name}-{purpose}",
            display_name=f"{name} {purpose}",
            description=PURPOSES[purpose],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _grant(
        self,
        grant: str,
        account: gcp.serviceaccount.Account,
        role: str,
        condition: gcp.projects.IAMMemberConditionArgs | None = None,
    ) -> gcp.projects.IAMMember:
        return gcp.projects.IAMMember(
            grant,
            project=self._project,
            role=role,
            member=account.member,
            condition=condition,
            opts=pulumi.ResourceOptions(parent=self),
        )
