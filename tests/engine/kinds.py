"""What Google and its provider are known for, kind by kind: names, what replaces, what only Google knows.

From the provider's documentation and source; tests/engine/test_kinds.py holds it against the installed SDK.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NUMBER = 123456789012

type Json = dict[str, Any]


def _nothing(inputs: Json, id: str, serial: int) -> Json:
    return {}


@dataclass(frozen=True)
class Kind:
    """One resource type.

    Attributes:
        id: template of its id in the state; empty where Google chooses one.
        imported: template that `pulumi import` takes, where it differs; None when it cannot be imported.
        replaces: inputs whose change makes another resource; None stands for all.
        deletes_first: the provider deletes before it replaces, because the name is the user's.
        again: making what is there already leaves it as it is; otherwise Google answers 409.
        computed: outputs that only Google knows.
        echoed: inputs that Google's answer may leave out when they have these values.
    """

    id: str = ""
    imported: str | None = ""
    replaces: frozenset[str] | None = frozenset()
    deletes_first: bool = True
    again: bool = False
    computed: Callable[[Json, str, int], Json] = _nothing
    on_import: Mapping[str, Any] = field(default_factory=dict)

    def identity(self, inputs: Json, serial: int, collection: str) -> str:
        """Id of a new one."""
        return self.id.format_map(inputs) if self.id else f"projects/{inputs.get('project')}/{collection}/{serial}"

    def import_id(self, inputs: Json, id: str) -> str | None:
        """What `pulumi import` must be told to find it."""
        if self.imported is None:
            return None
        found = self.imported.format_map(inputs) if self.imported else id
        return f"{found} {inputs['condition']['title']}" if "condition" in inputs else found


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


def _account(inputs: Json, id: str, serial: int) -> Json:
    email = id.rsplit("/", 1)[-1]
    return {"email": email, "member": f"serviceAccount:{email}", "name": id}


def _function(inputs: Json, id: str, serial: int) -> Json:
    return {"serviceConfig": {**inputs["serviceConfig"], "uri": f"https://{inputs['name']}-{NUMBER}.a.run.app"}}


def _identity(inputs: Json, id: str, serial: int) -> Json:
    return {"email": f"service-{NUMBER}@{inputs['service'].split('.')[0]}.iam.gserviceaccount.com"}


def _grant(target: str, imported: str) -> Kind:
    return Kind(
        id=f"{target}/{{role}}/{{member}}", imported=f"{imported} {{role}} {{member}}", replaces=None, again=True
    )


KINDS: dict[str, Kind] = {
    "artifactregistry/repository:Repository": Kind(
        id="projects/{project}/locations/{location}/repositories/{repositoryId}",
        replaces=_names("repositoryId", "location", "format", "project", "kmsKeyName"),
    ),
    "artifactregistry/repositoryIamMember:RepositoryIamMember": _grant(
        *["projects/{project}/locations/{location}/repositories/{repository}"] * 2
    ),
    "bigquery/dataset:Dataset": Kind(
        id="projects/{project}/datasets/{datasetId}", replaces=_names("datasetId", "location", "project")
    ),
    "bigquery/datasetAccess:DatasetAccess": Kind(
        id="projects/{project}/datasets/{datasetId}/access", imported=None, replaces=None
    ),
    "bigquery/datasetIamMember:DatasetIamMember": _grant(*["projects/{project}/datasets/{datasetId}"] * 2),
    "bigquery/table:Table": Kind(
        id="projects/{project}/datasets/{datasetId}/tables/{tableId}",
        replaces=_names("datasetId", "tableId", "project", "encryptionConfiguration", "timePartitioning.field"),
        on_import={"deletionProtection": True},
    ),
    "cloudfunctionsv2/function:Function": Kind(
        id="projects/{project}/locations/{location}/functions/{name}",
        replaces=_names("name", "location", "project"),
        computed=_function,
    ),
    "cloudrunv2/serviceIamMember:ServiceIamMember": _grant(
        *["projects/{project}/locations/{location}/services/{name}"] * 2
    ),
    "cloudscheduler/job:Job": Kind(
        id="projects/{project}/locations/{region}/jobs/{name}", replaces=_names("name", "region", "project")
    ),
    "kms/cryptoKeyIAMMember:CryptoKeyIAMMember": _grant("{cryptoKeyId}", "{cryptoKeyId}"),
    "logging/metric:Metric": Kind(id="{name}", replaces=_names("name", "project")),
    "monitoring/alertPolicy:AlertPolicy": Kind(replaces=_names("project")),
    "monitoring/dashboard:Dashboard": Kind(replaces=_names("project")),
    "monitoring/notificationChannel:NotificationChannel": Kind(replaces=_names("project")),
    "projects/iAMMember:IAMMember": _grant("{project}", "{project}"),
    "projects/service:Service": Kind(id="{project}/{service}", replaces=_names("service", "project"), again=True),
    "projects/serviceIdentity:ServiceIdentity": Kind(
        id="projects/{project}/services/{service}", imported=None, replaces=None, again=True, computed=_identity
    ),
    "secretmanager/secret:Secret": Kind(
        id="projects/{project}/secrets/{secretId}",
        replaces=_names("secretId", "project", "replication"),
        # Its name is not one that the bridge takes for the user's own: it would create before it deletes.
        deletes_first=False,
    ),
    "secretmanager/secretIamMember:SecretIamMember": _grant(*["projects/{project}/secrets/{secretId}"] * 2),
    "secretmanager/secretVersion:SecretVersion": Kind(
        id="{secret}/versions/{serial}",
        replaces=_names("secret", "secretData"),
        deletes_first=False,
        computed=lambda inputs, id, serial: {"version": id.rsplit("/", 1)[-1], "name": id},
    ),
    "serviceaccount/account:Account": Kind(
        id="projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com",
        replaces=_names("accountId", "project"),
        computed=_account,
    ),
    "storage/bucket:Bucket": Kind(id="{name}", replaces=_names("name", "location", "project")),
    "storage/bucketIAMMember:BucketIAMMember": _grant("b/{bucket}", "b/{bucket}"),
    "storage/bucketObject:BucketObject": Kind(
        id="{bucket}-{name}", imported=None, replaces=_names("name", "bucket", "source"), again=True
    ),
}
COLLECTIONS = {"alertPolicy": "alertPolicies", "dashboard": "dashboards", "notificationChannel": "notificationChannels"}
# Children that keep their parent from being deleted, by the input that names it.
HELD_BY = {
    "storage/bucket:Bucket": ("storage/bucketObject:BucketObject", "bucket", "name"),
    "bigquery/dataset:Dataset": ("bigquery/table:Table", "datasetId", "datasetId"),
}
