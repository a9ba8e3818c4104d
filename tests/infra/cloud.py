"""Google Cloud as the program sees it: what a provider would answer, as far as the program reads it."""

from typing import Any

from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks

PROJECT = "acme-analytics"
NUMBER = 123456789012


class Cloud(Mocks):
    """Answers with the inputs and the few computed properties that the program uses; an unknown call is an error."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        given = args.inputs
        computed: dict[str, Any] = {}
        identity = f"{args.name}-id"
        match args.typ:
            case "gcp:serviceaccount/account:Account":
                email = f"{given['accountId']}@{PROJECT}.iam.gserviceaccount.com"
                computed = {
                    "email": email,
                    "member": f"serviceAccount:{email}",
                    "name": f"projects/{PROJECT}/serviceAccounts/{email}",
                }
            case "gcp:projects/serviceIdentity:ServiceIdentity":
                computed = {"email": f"service-{NUMBER}@{given['service'].split('.')[0]}.iam.gserviceaccount.com"}
            case "gcp:secretmanager/secret:Secret":
                identity = f"projects/{PROJECT}/secrets/{given['secretId']}"
            case "gcp:secretmanager/secretVersion:SecretVersion":
                computed = {"version": "7"}
            case "gcp:artifactregistry/repository:Repository":
                identity = f"projects/{PROJECT}/locations/{given['location']}/repositories/{given['repositoryId']}"
            case "gcp:cloudfunctionsv2/function:Function":
                computed = {"serviceConfig": {**given["serviceConfig"], "uri": f"https://{given['name']}-x.a.run.app"}}
            case "gcp:cloudscheduler/job:Job":
                identity = f"projects/{PROJECT}/locations/{given['region']}/jobs/{given['name']}"
            case "gcp:monitoring/dashboard:Dashboard":
                identity = f"projects/{NUMBER}/dashboards/6e1f"
        return identity, {**given, **computed}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        match args.token:
            case "gcp:bigquery/getDefaultServiceAccount:getDefaultServiceAccount":
                return {"email": f"bq-{NUMBER}@bigquery-encryption.iam.gserviceaccount.com"}, []
            case "gcp:storage/getProjectServiceAccount:getProjectServiceAccount":
                return {"emailAddress": f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"}, []
        raise LookupError(f"the cloud does not know the call {args.token}")
