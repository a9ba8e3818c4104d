"""Which refusals pass by themselves. That they are waited for, and how long: tests/engine."""

import pytest

from infra import propagation


@pytest.mark.parametrize(
    "error",
    [
        "googleapi: Error 403: Secret Manager API has not been used in project 1 before or it is disabled.",
        "Error 403: … If you enabled this API recently, wait a few minutes for the action to propagate …",
        'reason: "SERVICE_DISABLED"',
        "Error 400: Cloud KMS Error … Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource",
        "Error 400: Service account bq-1@bigquery-encryption.iam.gserviceaccount.com does not exist., badRequest",
    ],
)
def test_what_time_mends(error: str) -> None:
    assert propagation.passes(error)


@pytest.mark.parametrize(
    "error",
    [
        "googleapi: Error 409: Already Exists: Dataset acme:looker_agents",
        "googleapi: Error 403: Permission 'storage.buckets.create' denied on resource",
        "Error 404: The resource 'projects/p/locations/x' does not exist",
    ],
)
def test_what_it_does_not(error: str) -> None:
    assert not propagation.passes(error)
