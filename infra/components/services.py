"""The Google Cloud APIs everything else needs."""

import pulumi
import pulumi_gcp as gcp

ALWAYS = (
    "artifactregistry",
    "bigquery",
    "cloudbuild",
    "cloudfunctions",
    "cloudresourcemanager",
    "cloudscheduler",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "run",
    "secretmanager",
    "serviceusage",
    "storage",
)


class Services(pulumi.ComponentResource):
    """Enables APIs and never disables them: others in the project may use them."""

    def __init__(self, *, project: str, encrypted: bool, connected: bool) -> None:
        super().__init__("sluice:cloud:Services", "services")
        names = [*ALWAYS, *(["cloudkms"] if encrypted else []), *(["vpcaccess"] if connected else [])]
        self.services = [
            gcp.projects.Service(
                name,
                project=project,
                service=f"{name}.googleapis.com",
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for name in names
        ]
        self.register_outputs({"services": [service.service for service in self.services]})
