"""The graph the program registers, as a whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import definitions
from tests.infra import sdk_schema
from tests.infra.conftest import FILES, write
from tests.infra.golden import FOLDER
from tests.infra.recorder import BASE, EVERYTHING, KEY, SECRET_VALUES, Graph, Secret, flat, inventory, record, unsecret

type Change = tuple[str, str]


def changes(before: Graph, after: Graph) -> set[Change]:
    """(address, path of the input) of everything that differs, options of the resource included."""

    def facts(graph: Graph) -> dict[Change, Any]:
        return {
            (resource.path, path): value
            for resource in graph.resources.values()
            for path, value in [
                *flat(resource.inputs),
                ("(options)", (resource.type, resource.protect, resource.retain_on_delete, resource.ignore_changes)),
                ("(dependencies)", resource.depends_on),
            ]
        }

    old, new = facts(before), facts(after)
    return {fact for fact in old.keys() | new.keys() if old.get(fact, ...) != new.get(fact, ...)}


@pytest.mark.parametrize("name", ["base", "everything"])
def test_the_inventory_is_the_golden_one(name: str, request: pytest.FixtureRequest) -> None:
    found = inventory(request.getfixturevalue(name))
    assert found == (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), "see tests/infra/golden.py"


def test_a_preview_with_unknowns_registers_what_an_up_registers(checkout: Path) -> None:
    for config in (BASE, EVERYTHING):
        preview, up = (record(config, root=checkout, preview=dry) for dry in (True, False))
        assert {(r.path, r.type) for r in preview.resources.values()} == {
            (r.path, r.type) for r in up.resources.values()
        }


def test_no_address_is_used_twice(graph: Graph) -> None:
    assert graph.duplicates == []


def test_no_input_is_null(graph: Graph) -> None:
    nulls = [(r.path, path) for r in graph.real() for path, value in flat(unsecret(r.inputs)) if value is None]
    assert nulls == []


def test_the_typed_sdk_accepts_every_input(graph: Graph) -> None:
    assert [problem for resource in graph.real() for problem in sdk_schema.problems(resource)] == []


def test_every_resource_has_a_component_as_parent_and_components_stand_below_the_stack(graph: Graph) -> None:
    for resource in graph.resources.values():
        if resource.component:
            assert "::pulumi:pulumi:Stack::" in resource.parent
        else:
            assert graph.resources[resource.parent].component, resource.path


def test_every_service_is_on_before_anything_that_needs_one_and_stays_on(graph: Graph) -> None:
    services = {service.urn for service in graph.of("projects/service:Service")}
    for resource in graph.real():
        if resource.urn not in services:
            assert services <= graph.before(resource), resource.path
    assert all(graph.resources[urn].inputs["disableOnDestroy"] is False for urn in services)


def test_tables_stand_before_views_and_views_before_those_that_read_them(graph: Graph) -> None:
    tables = {table.urn for table in graph.of("bigquery/table:Table") if "view" not in table.inputs}
    daily, messages = graph["warehouse/daily-view"], graph["warehouse/messages-view"]
    assert tables <= graph.before(messages)
    assert messages.urn in graph.before(daily)
    assert daily.urn not in graph.before(messages)


def test_every_grant_stands_before_the_function_that_lives_on_it(graph: Graph) -> None:
    function = graph["handler/function"]
    names = ["runtime-jobs", "build-logs", "build-copies", "writer", "looker-client-id-reader"]
    names += ["looker-client-secret-reader", "source-reader", "images-writer", "looker-client-id-version"]
    for name in names:
        grant = next(resource for resource in graph.real() if resource.name == name)
        assert grant.urn in graph.before(function), name


def test_the_key_may_be_used_before_any_store_is_made_with_it(everything: Graph) -> None:
    grants = {grant.urn for grant in everything.of("kms/cryptoKeyIAMMember:CryptoKeyIAMMember")}
    assert len(grants) == 6
    encrypted = [
        r for r in everything.real() if KEY in [v for _, v in flat(unsecret(r.inputs))] and r.urn not in grants
    ]
    assert {resource.type.rsplit(":", 1)[-1] for resource in encrypted} == {
        "Dataset",
        "Table",
        "Bucket",
        "Secret",
        "Repository",
        "Function",
    }
    for resource in encrypted:
        assert grants <= everything.before(resource), resource.path


def test_stores_are_protected_kept_and_undeletable_and_views_are_not(graph: Graph) -> None:
    dataset, *tables = [graph["warehouse/dataset"], *graph.of("bigquery/table:Table")]
    assert dataset.protect
    assert dataset.retain_on_delete
    assert dataset.inputs["deleteContentsOnDestroy"] is False
    for table in tables:
        store = "view" not in table.inputs
        facts = (table.protect, table.retain_on_delete, table.inputs["deletionProtection"])
        assert facts == (store, store, store), table.path


def test_no_secret_stands_in_clear_anywhere(graph: Graph) -> None:
    versions = graph.of("secretmanager/secretVersion:SecretVersion")
    assert sorted(version.inputs["secretData"].value for version in versions) == sorted(SECRET_VALUES)
    for resource in graph.resources.values():
        clear = [value for _, value in flat(resource.inputs) if not isinstance(value, Secret)]
        assert not any(secret in str(value) for secret in SECRET_VALUES for value in clear), resource.path
    assert not any(secret in str(graph.outputs) for secret in SECRET_VALUES)


def test_the_function_reads_pinned_versions_of_its_secrets(base: Graph) -> None:
    config = base["handler/function"].inputs["serviceConfig"]
    assert [
        (secret["key"], secret["secret"], secret["version"]) for secret in config["secretEnvironmentVariables"]
    ] == [
        ("LOOKER_CLIENT_ID", "sluice-prod-looker-client-id", "7"),
        ("LOOKER_CLIENT_SECRET", "sluice-prod-looker-client-secret", "7"),
    ]
    assert not {"LOOKER_CLIENT_ID", "LOOKER_CLIENT_SECRET"} & set(config["environmentVariables"])


@pytest.mark.parametrize(
    ("key", "value", "changed"),
    [
        ("dry_run", "true", {("handler/function", "serviceConfig.environmentVariables.DRY_RUN")}),
        ("workers", "10", {("handler/function", "serviceConfig.environmentVariables.WORKERS")}),
        ("paused", "true", {("schedule/daily", "paused")}),
        ("schedule", "30 2 * * *", {("schedule/daily", "schedule")}),
    ],
)
def test_one_key_changes_one_input(
    base: Graph, configured: Callable[..., Graph], key: str, value: str, changed: set[Change]
) -> None:
    assert changes(base, configured(**{key: value})) == changed


def test_the_same_program_twice_changes_nothing(base: Graph, configured: Callable[..., Graph]) -> None:
    assert changes(base, configured()) == set()


def test_a_readers_group_adds_one_grant(base: Graph, configured: Callable[..., Graph]) -> None:
    found = changes(base, configured(readers_group="readers@acme.example"))
    assert {address for address, _ in found} == {"warehouse/readers"}


def test_a_viewers_group_adds_a_dataset_of_views_and_touches_nothing_else(
    base: Graph, configured: Callable[..., Graph]
) -> None:
    found = changes(base, configured(viewers_group="viewers@acme.example"))
    names = {"shown", "daily-shown", "shown-access", "viewers"}
    assert {address for address, _ in found} == {f"warehouse/{name}" for name in names}


def test_a_subnet_attaches_the_function_to_a_network_without_a_connector(
    base: Graph, configured: Callable[..., Graph]
) -> None:
    subnet = "projects/acme-analytics/regions/europe-west1/subnetworks/egress"
    network = "projects/acme-analytics/global/networks/egress"
    graph = configured(vpc_subnet=subnet, vpc_network=network, vpc_egress="all-traffic")
    assert {address for address, _ in changes(base, graph)} == {"handler/function"}
    config = graph["handler/function"].inputs["serviceConfig"]
    assert config["directVpcNetworkInterfaces"] == [{"network": network, "subnetwork": subnet}]
    assert config["directVpcEgress"] == "VPC_EGRESS_ALL_TRAFFIC"
    assert "vpcConnector" not in config
    assert [problem for resource in graph.real() for problem in sdk_schema.problems(resource)] == []


def test_expiration_touches_what_people_wrote_and_not_the_ledger(base: Graph, configured: Callable[..., Graph]) -> None:
    found = changes(base, configured(partition_expiration_days="400"))
    path = "timePartitioning.expirationMs"
    assert found == {("warehouse/conversations", path), ("warehouse/rejects", path)}


def test_a_change_of_one_file_of_the_function_changes_the_archive_and_the_function(base: Graph, tmp_path: Path) -> None:
    root = write(tmp_path, {**FILES, "function/main.py": "def handle(request):\n    return 'changed'\n"})
    assert {address for address, _ in changes(base, record(BASE, root=root))} == {"handler/archive", "handler/function"}


def test_the_same_source_elsewhere_and_later_changes_nothing(base: Graph, tmp_path: Path) -> None:
    root = write(tmp_path / "another" / "place", dict(reversed(FILES.items())))
    (root / "function/sluice/__pycache__").mkdir()
    (root / "function/sluice/__pycache__/x.cpython-313.pyc").write_bytes(b"\x00\xff")
    (root / "function/.env").write_text("LOOKER_CLIENT_SECRET=x")
    assert changes(base, record(BASE, root=root)) == set()


def test_no_path_of_this_machine_reaches_the_state(graph: Graph, checkout: Path) -> None:
    for resource in graph.resources.values():
        assert str(checkout) not in str(resource.inputs), resource.path
        assert str(definitions.ROOT) not in str(resource.inputs), resource.path


def test_outputs_say_where_everything_is_and_how_to_try_it(base: Graph) -> None:
    url = "https://sluice-prod-x.a.run.app"
    assert base.outputs["function_url"] == url
    assert base.outputs["dataset"] == "acme-analytics.looker_agents"
    assert base.outputs["tables"]["conversations"] == "conversations"
    assert base.outputs["views"] == {"daily": "daily", "messages": "messages"}
    assert base.outputs["service_accounts"]["runtime"] == "sluice-prod-runtime@acme-analytics.iam.gserviceaccount.com"
    assert base.outputs["scheduler_job"] == "projects/acme-analytics/locations/europe-west1/jobs/sluice-prod-daily"
    assert base.outputs["dashboard"].endswith("/dashboards/builder/6e1f?project=acme-analytics")
    assert base.outputs["run_daily"].startswith("gcloud scheduler jobs run sluice-prod-daily ")
    assert base.outputs["curl_daily"].endswith(f'--audiences={url})" {url}/daily')
    assert "`acme-analytics.looker_agents.sync_runs`" in base.outputs["results_sql"]


def test_the_schedule_calls_daily_as_the_invoker_with_a_deadline_above_the_timeout(base: Graph) -> None:
    job = base["schedule/daily"].inputs
    target = job["httpTarget"]
    assert target["uri"] == "https://sluice-prod-x.a.run.app/daily"
    assert target["oidcToken"]["audience"] == "https://sluice-prod-x.a.run.app"
    assert target["oidcToken"]["serviceAccountEmail"].startswith("sluice-prod-invoker@")
    timeout = base["handler/function"].inputs["serviceConfig"]["timeoutSeconds"]
    assert timeout < int(job["attemptDeadline"].removesuffix("s"))


def test_an_invocation_grant_is_made_again_with_a_new_function(base: Graph) -> None:
    function, grant = base["handler/function"], base["handler/invocation"]
    assert grant.replace_with == (function.urn,)


def test_the_conversations_table_takes_its_configured_name_everywhere(configured: Callable[..., Graph]) -> None:
    graph = configured(bq_table="chats", bq_dataset="agents")
    assert graph["warehouse/conversations"].inputs["tableId"] == "chats"
    assert "`acme-analytics.agents.chats`" in graph["warehouse/messages-view"].inputs["view"]["query"]
    assert graph["handler/function"].inputs["serviceConfig"]["environmentVariables"]["BQ_TABLE"] == "chats"


def test_two_stacks_share_no_physical_name(base: Graph, checkout: Path) -> None:
    other = record({**BASE, "sluice:bq-dataset": "elsewhere"}, root=checkout, stack_name="staging")
    keys = ("name", "accountId", "secretId", "repositoryId")

    def names(graph: Graph) -> set[tuple[str, str]]:
        named = [(r, key) for r in graph.real() for key in keys if isinstance(r.inputs.get(key), str)]
        return {(r.type, r.inputs[key]) for r, key in named if r.name != "archive"}

    assert names(base) & names(other) == set()
