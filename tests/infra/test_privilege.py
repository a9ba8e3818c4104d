"""Least privilege, stated whole: who may do what on what. A grant that is not in the table is a failure."""

from tests.infra.cloud import NUMBER
from tests.infra.recorder import KEY, Graph, Resource

ACCOUNT = "serviceAccount:sluice-prod-{}@acme-analytics.iam.gserviceaccount.com"
RUNTIME, BUILD, INVOKER = (ACCOUNT.format(purpose) for purpose in ("runtime", "build", "invoker"))
AGENTS = (
    f"bq-{NUMBER}@bigquery-encryption.iam.gserviceaccount.com",
    f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com",
    f"service-{NUMBER}@artifactregistry.iam.gserviceaccount.com",
    f"service-{NUMBER}@cloudfunctions.iam.gserviceaccount.com",
    f"service-{NUMBER}@run.iam.gserviceaccount.com",
    f"service-{NUMBER}@secretmanager.iam.gserviceaccount.com",
)
COPIES = 'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-")'
BASE = {
    # who      role                                    on what
    (RUNTIME, "roles/bigquery.dataEditor", "dataset looker_agents"),
    (RUNTIME, "roles/bigquery.jobUser", "project acme-analytics"),
    (RUNTIME, "roles/secretmanager.secretAccessor", "secret sluice-prod-looker-client-id"),
    (RUNTIME, "roles/secretmanager.secretAccessor", "secret sluice-prod-looker-client-secret"),
    (BUILD, "roles/logging.logWriter", "project acme-analytics"),
    (BUILD, "roles/storage.objectViewer", f"project acme-analytics if {COPIES}"),
    (BUILD, "roles/storage.objectViewer", "bucket acme-analytics-sluice-prod-source"),
    (BUILD, "roles/artifactregistry.writer", "repository sluice-prod"),
    (INVOKER, "roles/run.invoker", "service sluice-prod"),
}
EVERYTHING = {
    *BASE,
    ("group:readers@acme.example", "roles/bigquery.dataViewer", "dataset looker_agents"),
    ("group:viewers@acme.example", "roles/bigquery.dataViewer", "dataset looker_agents_views"),
    *((f"serviceAccount:{agent}", "roles/cloudkms.cryptoKeyEncrypterDecrypter", f"key {KEY}") for agent in AGENTS),
}
TARGETS = {
    "project": "project",
    "datasetId": "dataset",
    "secretId": "secret",
    "bucket": "bucket",
    "repository": "repository",
    "name": "service",
    "cryptoKeyId": "key",
}


def grants(graph: Graph) -> list[tuple[str, str, str]]:
    members = [r for r in graph.real() if "IAMMember" in r.type or "IamMember" in r.type]
    return [(r.inputs["member"], r.inputs["role"], _target(r)) for r in members]


def _target(resource: Resource) -> str:
    narrowest = [key for key in TARGETS if key in resource.inputs][-1]
    condition = resource.inputs.get("condition", {}).get("expression")
    return f"{TARGETS[narrowest]} {resource.inputs[narrowest]}" + (f" if {condition}" if condition else "")


def test_the_smallest_configuration_grants_this_and_nothing_else(base: Graph) -> None:
    assert sorted(grants(base)) == sorted(BASE)


def test_every_option_grants_this_and_nothing_else(everything: Graph) -> None:
    assert sorted(grants(everything)) == sorted(EVERYTHING)


def test_grants_are_added_to_what_others_granted(graph: Graph) -> None:
    authoritative = [r.path for r in graph.real() if r.type.lower().endswith(("iambinding", "iampolicy"))]
    assert authoritative == []
    assert "accesses" not in graph["warehouse/dataset"].inputs


def test_no_account_has_a_key_and_the_function_is_reached_from_inside_only(graph: Graph) -> None:
    assert graph.of("serviceaccount/key:Key") == []
    config = graph["handler/function"].inputs["serviceConfig"]
    assert config["ingressSettings"] == "ALLOW_INTERNAL_ONLY"
    assert (config["maxInstanceCount"], config["maxInstanceRequestConcurrency"]) == (1, 4)


def test_three_jobs_have_three_accounts(base: Graph) -> None:
    function, job = base["handler/function"].inputs, base["schedule/daily"].inputs
    assert function["serviceConfig"]["serviceAccountEmail"] == RUNTIME.removeprefix("serviceAccount:")
    assert function["buildConfig"]["serviceAccount"].endswith(f"/{BUILD.removeprefix('serviceAccount:')}")
    assert job["httpTarget"]["oidcToken"]["serviceAccountEmail"] == INVOKER.removeprefix("serviceAccount:")


def test_viewers_reach_views_without_messages_and_no_table(everything: Graph) -> None:
    """Their dataset may read the private one in their stead; each of its views reads tables alone."""
    access = everything["warehouse/shown-access"]
    assert access.inputs["datasetId"] == "looker_agents"
    assert access.inputs["authorizedDataset"] == {
        "dataset": {"datasetId": "looker_agents_views", "projectId": "acme-analytics"},
        "targetTypes": ["VIEWS"],
    }
    shown = [t for t in everything.of("bigquery/table:Table") if t.inputs["datasetId"] == "looker_agents_views"]
    assert {table.inputs["tableId"] for table in shown} == {"daily"}
    query = shown[0].inputs["view"]["query"]
    assert "`acme-analytics.looker_agents.conversations`" in query
    assert "looker_agents.messages`" not in query


def test_the_authorisation_of_views_comes_after_the_grants_on_their_dataset(everything: Graph) -> None:
    before = everything.before(everything["warehouse/shown-access"])
    assert {everything["warehouse/writer"].urn, everything["warehouse/readers"].urn} <= before
