"""A key of the customer's for every store, and the grants without which each store refuses it."""

import pulumi
import pulumi_gcp as gcp

ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
# Agents that exist once they are asked for; the other two are made by the calls that name them.
AGENTS = {
    "artifact-registry": "artifactregistry.googleapis.com",
    "functions": "cloudfunctions.googleapis.com",
    "run": "run.googleapis.com",
    "secret-manager": "secretmanager.googleapis.com",
}


class Encryption(pulumi.ComponentResource):
    """Lets the service agents of this project use `kms_key`; every store depends on `grants`."""

    def __init__(self, *, project: str, kms_key: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("sluice:cloud:Encryption", "encryption", None, opts)
        child = pulumi.ResourceOptions(parent=self)
        after = pulumi.InvokeOutputOptions(parent=self, depends_on=opts.depends_on)
        emails: dict[str, pulumi.Input[str]] = {
            "bigquery": gcp.bigquery.get_default_service_account_output(project=project, opts=after).email,
            "storage": gcp.storage.get_project_service_account_output(project=project, opts=after).email_address,
        }
        for agent, service in AGENTS.items():
            emails[agent] = gcp.projects.ServiceIdentity(agent, project=project, service=service, opts=child).email
        self.grants = [
            gcp.kms.CryptoKeyIAMMember(
                f"{agent}-key",
                crypto_key_id=kms_key,
                role=ROLE,
                member=pulumi.Output.format("serviceAccount:{0}", email),
                opts=child,
            )
            for agent, email in emails.items()
        ]
        self.register_outputs({})
