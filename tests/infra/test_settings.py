"""Configuration: every name is placed, every value is checked, every problem is told at once."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pulumi
import pytest
from pydantic import SecretStr

from infra import checks, settings
from infra.settings import ConfigError, Settings
from sluice.settings import Settings as FunctionSettings
from tests.infra.recorder import BASE, EVERYTHING, SECRET_VALUES, Graph, Secret, record

REQUIRED = {key.removeprefix("sluice:"): value for key, value in BASE.items() if key.startswith("sluice:")}
PLACE = "projects/p"
FULL = {key.removeprefix("sluice:"): value for key, value in EVERYTHING.items() if key.startswith("sluice:")}


def check(
    values: dict[str, str] | None = None,
    *,
    project: str | None = "acme-analytics",
    region: str | None = "europe-west1",
    name: str = "sluice-prod",
    without: str = "",
    foreign: Sequence[str] = (),
) -> Settings:
    given = {key: value for key, value in {**REQUIRED, **(values or {})}.items() if key != without}
    return Settings.check(
        given,
        project=project,
        region=region,
        name=name,
        taken={"rejects", "messages"},
        labels={"source"},
        foreign=foreign,
    )


def problems(**arguments: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        check(**arguments)  # type: ignore[arg-type]  # the names are those of check
    return caught.value.problems


def test_every_field_of_the_function_is_placed_once() -> None:
    fields = set(FunctionSettings.model_fields)
    places = [settings.PLAIN, settings.SECRETS, settings.NOT_DEPLOYED]
    assert sorted(name for place in places for name in place) == sorted(fields)
    assert set(settings.FROM_PROVIDER) <= set(settings.PLAIN)
    assert all(settings.NOT_DEPLOYED.values()), "what is not deployed says why"


def test_only_plain_types_and_secrets_are_deployed() -> None:
    for name in settings.PLAIN:
        assert FunctionSettings.model_fields[name].annotation in {str, int, bool}, f"{name}: say how it is deployed"
    assert all(FunctionSettings.model_fields[name].annotation is SecretStr for name in settings.SECRETS)


def test_no_key_belongs_to_both_the_function_and_its_environment() -> None:
    assert settings.FUNCTION_FIELDS.isdisjoint(settings.OPTION_FIELDS)


def test_the_function_reads_back_exactly_what_was_configured(
    base: Graph, configured: Callable[..., Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"looker_user_id_key": "user.id", "looker_user_activity_key": "user.last_active"}
    columns |= {f"looker_feedback_{name}": "x" for name in ("query_id", "user_key", "comment_key")}
    graph = configured(dry_run="true", workers="7", include_deleted="true", **columns)
    variables = graph["handler/function"].inputs["serviceConfig"]["environmentVariables"]
    for name in FunctionSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    read = FunctionSettings.load(looker_client_id="x", looker_client_secret="y")
    assert (read.dry_run, read.workers, read.include_deleted, read.looker_user_id_key) == (True, 7, True, "user.id")
    assert read.gcp_project_id == "acme-analytics"
    assert set(variables) - {"LOG_EXECUTION_ID"} == {name.upper() for name in settings.PLAIN} - {"BQ_KMS_KEY"}


def test_the_environment_of_whoever_deploys_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "3")
    monkeypatch.setenv("BQ_DATASET", "mine")
    environment = check().environment
    assert (environment["WORKERS"], environment["BQ_DATASET"]) == ("50", "looker_agents")


def test_everything_set_is_accepted() -> None:
    found = check({**FULL})
    assert found.labels == {"team": "analytics", "cost-centre": "data", "app": "sluice", "stack": "sluice-prod"}
    assert found.options.memory_mebibytes == 1024


def test_problems_are_told_together_and_by_name() -> None:
    found = problems(
        values={
            "dryrun": "true",
            "workers": "0",
            "paused": "perhaps",
            "function-memory": "lots",
            "looker-base-url": "http://looker.example",
        },
        region=None,
        without="looker-client-secret",
    )
    assert [problem.split(":")[0].split(" ")[0] for problem in found] == [
        "dryrun",
        "gcp",
        "looker-base-url",
        "looker-client-secret",
        "workers",
        "function-memory",
        "paused",
    ]
    assert "pulumi config set --secret looker-client-secret" in str(ConfigError(list(found)))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"function-timeout-seconds": "1741"}, "function-timeout-seconds: 1741 is above 1740"),
        ({"function-timeout-seconds": "1801"}, "function-timeout-seconds: 1801 is above 1740"),
        ({"run-budget-seconds": "1561"}, "run-budget-seconds and function-timeout-seconds: 1561 + 180"),
        ({"run-limit-seconds": "1681"}, "run-limit-seconds and function-timeout-seconds: 1681 + 60"),
        ({"run-budget-seconds": "1680"}, "run-limit-seconds: must be above RUN_BUDGET_SECONDS"),
        ({"function-cpu": "4"}, "function-memory and function-cpu: 4 CPU takes 2048 to 16384 MiB"),
        ({"function-memory": "256Mi"}, "function-memory and function-cpu: 1 CPU takes 512"),
        ({"buffer-bytes": "268435457"}, "buffer-bytes and function-memory"),
        ({"vpc-egress": "all-traffic"}, "vpc-egress and vpc-connector"),
        ({"vpc-connector": "projects/p/locations/us-east1/connectors/c"}, "vpc-connector and gcp:region"),
        ({"kms-key": FULL["kms-key"]}, "kms-key, bq-location and gcp:region"),
        ({"bq-table": "rejects"}, "bq-table: 'rejects' is the name of another"),
        ({"bq-table": "messages"}, "bq-table: 'messages' is the name of another"),
        ({"looker-base-url": "http://127.0.0.1:19999"}, "looker-base-url: a loopback address"),
        ({"schedule": "* * * * *"}, "schedule and function-timeout-seconds: runs would start every 60 seconds"),
        ({"schedule": "0,20 1 * * *"}, "schedule and function-timeout-seconds: runs would start every 1200"),
        ({"schedule": "0 6 * * 1"}, "alert-no-success-hours and schedule: 168 hours pass between two runs"),
        ({"bq-dataset": "information_schema"}, "bq-dataset: 'information_schema' is a name BigQuery keeps"),
        ({"bq-table": "INFORMATION_SCHEMA"}, "bq-table: 'INFORMATION_SCHEMA' is a name BigQuery keeps"),
        ({"bq-location": "Atlantis"}, "bq-location: must be US, EU or a region"),
        ({"labels": "app=mine"}, "labels: app is set by this project"),
        ({"labels": "source=x"}, "labels: source is set by this project"),
        ({"vpc-network": f"{PLACE}/global/networks/n"}, "vpc-network and vpc-subnet: name the subnet"),
        ({"vpc-subnet": f"{PLACE}/regions/us-east1/subnetworks/s"}, "vpc-subnet and gcp:region"),
        (
            {
                "vpc-subnet": f"{PLACE}/regions/europe-west1/subnetworks/s",
                "vpc-connector": f"{PLACE}/locations/europe-west1/connectors/c",
            },
            "vpc-connector and vpc-subnet: there is one way out",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(values: dict[str, str], problem: str) -> None:
    found = problems(values=values)
    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schedule", "0 1 * *"),
        ("schedule", "61 25 * * *"),
        ("schedule", "0 0 31 2 *"),
        ("notification-channels", "slack"),
        ("vpc-subnet", "default"),
        ("vpc-network", "default"),
        ("readers-group", "readers"),
        ("labels", "goog-x=y"),
        ("time-zone", "Mars/Olympus"),
        ("time-zone", "../../etc/passwd"),
        ("viewers-group", "readers"),
        ("notification-email", "a b@c.d"),
        ("labels", "Team=analytics"),
        ("labels", "team=a,team=b"),
        ("labels", "team"),
        ("kms-key", "my-key"),
        ("vpc-connector", "egress"),
        ("vpc-egress", "everything"),
        ("function-cpu", "3"),
        ("partition-expiration-days", "-1"),
        ("alert-no-success-hours", "8785"),
        ("alert-reject-percent", "100"),
        ("bq-dataset", "looker-agents"),
        ("lookback-days", "x"),
        ("port", "8080"),
        ("bq-endpoint", "http://127.0.0.1:9050"),
        ("gcp-project-id", "other"),
        ("dry_run", "true"),
    ],
)
def test_a_wrong_value_or_key_is_refused_by_name(key: str, value: str) -> None:
    found = problems(values={key: value})
    assert len(found) == 1
    assert found[0].startswith(key)
    assert not re.search(r"[\^$\\]|Input|String|Value error", found[0]), "a sentence, no pattern"


@pytest.mark.parametrize("project", [None, "", "Acme", "example.com:acme", "a"])
def test_a_project_is_needed_and_a_real_one(project: str | None) -> None:
    assert problems(project=project)[0].startswith("gcp:project")


def test_a_project_that_only_the_environment_names_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_PROJECT", "acme-analytics")
    monkeypatch.setenv("CLOUDSDK_COMPUTE_REGION", "europe-west1")
    missing = problems(project=None, region=None)
    assert ["GOOGLE_PROJECT is set and not read" in text for text in missing] == [True, False]
    assert "CLOUDSDK_COMPUTE_REGION is set and not read" in missing[1]


def test_a_domain_scoped_project_is_refused_as_such() -> None:
    assert problems(project="example.com:acme") == (
        "gcp:project: domain-scoped projects (example.com:id) are not supported",
    )


@pytest.mark.parametrize(
    ("foreign", "refused"),
    [
        (["slucie:dry-run"], True),
        (["gcp:dry-run"], True),
        (["other:dry-run"], True),
        (["slucie:anything"], True),
        (["gcp:project", "gcp:region", "gcp:userProjectOverride", "aws:region", "other:thing"], False),
    ],
)
def test_a_key_under_another_namespace_is_refused_when_it_was_meant_for_this_one(
    foreign: list[str], refused: bool
) -> None:
    if refused:
        assert [text.split(":")[:2] for text in problems(foreign=foreign)] == [foreign[0].split(":")]
    else:
        assert check(foreign=foreign).options


def test_what_is_wrong_by_itself_does_not_hide_what_contradicts() -> None:
    found = problems(values={"workers": "x", "vpc-egress": "all-traffic", "kms-key": "k"}, without="looker-client-id")
    assert [re.split("[: ]", text)[0] for text in found] == ["looker-client-id", "workers", "kms-key", "vpc-egress"]


def test_the_key_reaches_the_function(configured: Callable[..., Graph], everything: Graph) -> None:
    variables = everything["handler/function"].inputs["serviceConfig"]["environmentVariables"]
    assert variables["BQ_KMS_KEY"] == FULL["kms-key"]


@pytest.mark.parametrize(
    ("location", "region", "doubtful"),
    [
        ("EU", "us-central1", True),
        ("US", "us-central1", False),
        ("EU", "europe-west1", False),
        ("asia-east1", "europe-west1", True),
        ("europe-west4", "europe-west1", False),
    ],
)
def test_another_continent_is_doubted(location: str, region: str, doubtful: bool) -> None:
    found = check({"bq-location": location}, region=region)
    assert bool(list(checks.doubts(found.function, region))) is doubtful


@pytest.mark.parametrize("region", [None, "US", "europe west1"])
def test_a_region_is_needed_and_a_real_one(region: str | None) -> None:
    assert problems(region=region)[0].startswith("gcp:region")


@pytest.mark.parametrize("name", ["sluice-Prod", "sluice-a-name-far-too-long", "sluice-my_stack", "sluice-"])
def test_a_stack_whose_name_cannot_name_resources_is_refused(name: str) -> None:
    assert problems(name=name)[0].startswith("the stack's name")


def test_no_message_repeats_a_secret() -> None:
    with pytest.raises(ConfigError) as caught:
        check({"looker-client-secret": "", "looker-client-id": SECRET_VALUES[0], "workers": "0"})
    assert SECRET_VALUES[0] not in str(caught.value)
    assert "looker-client-secret" in str(caught.value)


def test_keys_that_cannot_be_used_stop_the_program_before_anything_is_declared(
    configured: Callable[..., Graph],
) -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        configured(looker_url="https://acme.cloud.looker.com")


def test_settings_can_be_printed_without_telling_a_secret() -> None:
    assert not any(secret in repr(check()) for secret in SECRET_VALUES)


def test_a_secret_stays_secret_wherever_it_goes(checkout: Path) -> None:
    def program() -> None:
        pulumi.export("secrets", Settings.load(checkout / "sql").secrets)

    secrets = record(BASE, root=checkout, program=program).outputs["secrets"]
    assert [value.value for value in (secrets["looker_client_id"], secrets["looker_client_secret"])] == [*SECRET_VALUES]
    assert all(isinstance(value, Secret) for value in secrets.values())
