"""The function: its source, the repository of its image, how it is built and how it runs."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from infra.components.secrets import PinnedSecret
from infra.propagation import after_grants
from infra.source import Source

RUNTIME = "python313"
ENTRY_POINT = "handle"
# A run, and those who look at it meanwhile; the function itself lets one run in at a time.
REQUESTS = 4
# Cloud Functions sets it too; left unsaid it would come and go with the provider's version.
PLATFORM = {"LOG_EXECUTION_ID": "true"}


class Handler(pulumi.ComponentResource):
    """One instance, one run at a time and room to look at it, reachable from inside the project, by the invoker.

    Attributes:
        function: the function; its Cloud Run service has the same name.
        url: address of the service, which is also the audience of its tokens.
    """

    def __init__(
        self,
        *,
        project: str,
        name: str,
        region: str,
        source: Source,
        build: gcp.serviceaccount.Account,
        runtime: gcp.serviceaccount.Account,
        invoker: pulumi.Input[str],
        environment: Mapping[str, str],
        secrets: Sequence[PinnedSecret],
        cpu: str,
        memory: str,
        timeout_seconds: int,
        vpc_connector: str,
        vpc_network: str,
        vpc_subnet: str,
        vpc_egress: str,
        kms_key: str,
        labels: Mapping[str, str],
        grants: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sluice:cloud:Handler", "handler", None, opts)
        self._project, self._name, self._region = project, name, region
        self._kms_key, self._labels = kms_key, labels
        bucket, archive, bucket_grant = self._source(source, build)
        repository, repository_grant = self._repository(build)
        egress = vpc_egress.replace("-", "_").upper()
        self.function = gcp.cloudfunctionsv2.Function(
            "function",
            project=project,
            name=name,
            location=region,
            description="Brings the conversations held with Looker's agents into BigQuery.",
            labels=dict(labels),
            kms_key_name=kms_key or None,
            build_config=gcp.cloudfunctionsv2.FunctionBuildConfigArgs(
                runtime=RUNTIME,
                entry_point=ENTRY_POINT,
                docker_repository=repository.id,
                service_account=build.name,
                source=gcp.cloudfunctionsv2.FunctionBuildConfigSourceArgs(
                    storage_source=gcp.cloudfunctionsv2.FunctionBuildConfigSourceStorageSourceArgs(
                        bucket=bucket.name, object=archive.name
                    )
                ),
            ),
            service_config=gcp.cloudfunctionsv2.FunctionServiceConfigArgs(
                available_cpu=cpu,
                available_memory=memory,
                timeout_seconds=timeout_seconds,
                max_instance_count=1,
                max_instance_request_concurrency=REQUESTS,
                all_traffic_on_latest_revision=True,
                ingress_settings="ALLOW_INTERNAL_ONLY",
                service_account_email=runtime.email,
                vpc_connector=vpc_connector or None,
                vpc_connector_egress_settings=egress if vpc_connector else None,
                direct_vpc_network_interfaces=_interfaces(vpc_network, vpc_subnet),
                direct_vpc_egress=f"VPC_EGRESS_{egress}" if vpc_subnet else None,
                environment_variables={**PLATFORM, **environment},
                secret_environment_variables=[
                    gcp.cloudfunctionsv2.FunctionServiceConfigSecretEnvironmentVariableArgs(
                        key=pinned.name,
                        project_id=project,
                        secret=pinned.secret.secret_id,
                        version=pinned.version.version,
                    )
                    for pinned in secrets
                ],
            ),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*grants, bucket_grant, repository_grant], hooks=after_grants()
            ),
        )
        self.url: pulumi.Output[str] = self.function.service_config.uri
        gcp.cloudrunv2.ServiceIamMember(
            "invocation",
            project=project,
            location=region,
            name=self.function.name,
            role="roles/run.invoker",
            member=invoker,
            # A new service starts without the members of the one it replaces.
            opts=pulumi.ResourceOptions(parent=self, replace_with=[self.function]),
        )
        self.register_outputs({"url": self.url})

    def _source(
        self, source: Source, build: gcp.serviceaccount.Account
    ) -> tuple[gcp.storage.Bucket, gcp.storage.BucketObject, gcp.storage.BucketIAMMember]:
        child = pulumi.ResourceOptions(parent=self)
        key = gcp.storage.BucketEncryptionArgs(default_kms_key_name=self._kms_key)
        bucket = gcp.storage.Bucket(
            "source",
            project=self._project,
            name=f"{self._project}-{self._name}-source",
            location=self._region,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            encryption=key if self._kms_key else None,
            labels=dict(self._labels),
            opts=child,
        )
        # Named by its content: a changed source is a new object, which is what makes the function deploy it.
        archive = gcp.storage.BucketObject(
            "archive", bucket=bucket.name, name=f"function-{source.digest}.zip", source=source.archive, opts=child
        )
        grant = gcp.storage.BucketIAMMember(
            "source-reader",
            bucket=bucket.name,
            role="roles/storage.objectViewer",
            member=build.member,
            opts=child,
        )
        return bucket, archive, grant

    def _repository(
        self, build: gcp.serviceaccount.Account
    ) -> tuple[gcp.artifactregistry.Repository, gcp.artifactregistry.RepositoryIamMember]:
        child = pulumi.ResourceOptions(parent=self)
        repository = gcp.artifactregistry.Repository(
            "images",
            project=self._project,
            location=self._region,
            repository_id=self._name,
            format="DOCKER",
            description="Images of the function.",
            kms_key_name=self._kms_key or None,
            # Each deployment leaves an image of some hundred MiB behind; the running one is among the newest.
            cleanup_policies=[
                gcp.artifactregistry.RepositoryCleanupPolicyArgs(
                    id="newest",
                    action="KEEP",
                    most_recent_versions=gcp.artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(
                        keep_count=5
                    ),
                ),
                gcp.artifactregistry.RepositoryCleanupPolicyArgs(
                    id="older",
                    action="DELETE",
                    condition=gcp.artifactregistry.RepositoryCleanupPolicyConditionArgs(
                        tag_state="ANY", older_than="2592000s"
                    ),
                ),
            ],
            labels=dict(self._labels),
            opts=child,
        )
        grant = gcp.artifactregistry.RepositoryIamMember(
            "images-writer",
            project=self._project,
            location=self._region,
            repository=repository.repository_id,
            role="roles/artifactregistry.writer",
            member=build.member,
            opts=child,
        )
        return repository, grant


def _interfaces(
    network: str, subnet: str
) -> list[gcp.cloudfunctionsv2.FunctionServiceConfigDirectVpcNetworkInterfaceArgs] | None:
    if not subnet:
        return None
    return [
        gcp.cloudfunctionsv2.FunctionServiceConfigDirectVpcNetworkInterfaceArgs(
            network=network or None, subnetwork=subnet
        )
    ]
