"""The Looker credentials in Secret Manager, read by the function alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp


@dataclass(frozen=True)
class PinnedSecret:
    """A secret as the function's variable `name` reads it: one version, never `latest`."""

    name: str
    secret: gcp.secretmanager.Secret
    version: gcp.secretmanager.SecretVersion


class Secrets(pulumi.ComponentResource):
    """One secret with one version per value.

    Attributes:
        pinned: what the function reads.
        grants: the right to read them.
    """

    def __init__(
        self,
        *,
        project: str,
        name: str,
        region: str,
        values: Mapping[str, pulumi.Output[str]],
        reader: pulumi.Input[str],
        kms_key: str,
        labels: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sluice:cloud:Secrets", "secrets", None, opts)
        self._project, self._name, self._region = project, name, region
        self._kms_key, self._labels = kms_key, labels
        self.pinned = [self._pinned(field, value) for field, value in values.items()]
        self.grants = [
            gcp.secretmanager.SecretIamMember(
                f"{_dashed(pinned.name)}-reader",
                project=project,
                secret_id=pinned.secret.secret_id,
                role="roles/secretmanager.secretAccessor",
                member=reader,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for pinned in self.pinned
        ]
        self.register_outputs({"secrets": [pinned.secret.secret_id for pinned in self.pinned]})

    def _pinned(self, field: str, value: pulumi.Output[str]) -> PinnedSecret:
        child = pulumi.ResourceOptions(parent=self)
        encryption = gcp.secretmanager.SecretReplicationUserManagedReplicaCustomerManagedEncryptionArgs(
            kms_key_name=self._kms_key
        )
        replica = gcp.secretmanager.SecretReplicationUserManagedReplicaArgs(
            location=self._region, customer_managed_encryption=encryption if self._kms_key else None
        )
        secret = gcp.secretmanager.Secret(
            _dashed(field),
            project=self._project,
            secret_id=f"{self._name}-{_dashed(field)}",
            replication=gcp.secretmanager.SecretReplicationArgs(
                user_managed=gcp.secretmanager.SecretReplicationUserManagedArgs(replicas=[replica])
            ),
            labels=dict(self._labels),
            # Another region or key is another secret, and two cannot have one name.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        version = gcp.secretmanager.SecretVersion(
            f"{_dashed(field)}-version", secret=secret.id, secret_data=value, opts=child
        )
        return PinnedSecret(field.upper(), secret, version)


def _dashed(field: str) -> str:
    return field.lower().replace("_", "-")
