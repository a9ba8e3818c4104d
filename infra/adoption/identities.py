"""How Google, and so `pulumi import`, names each kind of resource: ids that follow from inputs.

The formats are those of the section "Import" of each resource's documentation in the SDK, where it has one;
tests/infra/test_identities.py compares them. Kinds whose ids Google chooses are looked up; kinds that cannot be
imported are listed.
"""

from collections.abc import Mapping
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine shows for a text that is not known before the update (`plugin.UnknownStringValue`)."""

FORMATS = {
    "gcp:artifactregistry/repository:Repository": "projects/{project}/locations/{location}/repositories/{repositoryId}",
    "gcp:bigquery/dataset:Dataset": "projects/{project}/datasets/{datasetId}",
    "gcp:bigquery/table:Table": "projects/{project}/datasets/{datasetId}/tables/{tableId}",
    "gcp:cloudfunctionsv2/function:Function": "projects/{project}/locations/{location}/functions/{name}",
    "gcp:cloudscheduler/job:Job": "projects/{project}/locations/{region}/jobs/{name}",
    "gcp:logging/metric:Metric": "{name}",
    "gcp:projects/service:Service": "{project}/{service}",
    "gcp:secretmanager/secret:Secret": "projects/{project}/secrets/{secretId}",
    "gcp:serviceaccount/account:Account": (
        "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com"
    ),
    "gcp:storage/bucket:Bucket": "{name}",
    # What is granted on, then role and member; a grant under a condition has the condition's title as well.
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": (
        "projects/{project}/locations/{location}/repositories/{repository} {role} {member}"
    ),
    "gcp:bigquery/datasetIamMember:DatasetIamMember": "projects/{project}/datasets/{datasetId} {role} {member}",
    "gcp:cloudrunv2/serviceIamMember:ServiceIamMember": (
        "projects/{project}/locations/{location}/services/{name} {role} {member}"
    ),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": "{cryptoKeyId} {role} {member}",
    "gcp:projects/iAMMember:IAMMember": "{project} {role} {member}",
    "gcp:secretmanager/secretIamMember:SecretIamMember": "projects/{project}/secrets/{secretId} {role} {member}",
    "gcp:storage/bucketIAMMember:BucketIAMMember": "b/{bucket} {role} {member}",
}
LOOKED_UP = {
    "gcp:monitoring/alertPolicy:AlertPolicy",
    "gcp:monitoring/dashboard:Dashboard",
    "gcp:monitoring/notificationChannel:NotificationChannel",
    "gcp:secretmanager/secretVersion:SecretVersion",
}
# "This resource does not support import", and making it again leaves the same thing.
MADE_AGAIN = {"gcp:projects/serviceIdentity:ServiceIdentity", "gcp:storage/bucketObject:BucketObject"}
# Neither can it be imported, nor made while it is there: its entry is written into the state.
WRITTEN = {"gcp:bigquery/datasetAccess:DatasetAccess"}


def is_grant(kind: str) -> bool:
    """Whether a resource adds one member to one role: granting it twice leaves one grant."""
    return kind.lower().endswith("iammember")


def identity(kind: str, inputs: Mapping[str, Any]) -> str | None:
    """Id of a resource of a kind of FORMATS; None while an input it is made of is not known."""
    texts = {name: value for name, value in inputs.items() if isinstance(value, str)}
    found = FORMATS[kind].format_map(texts)
    if condition := inputs.get("condition"):
        found = f"{found} {condition['title']}"
    return None if UNKNOWN in found else found
