"""The first deployment and the tenth: what each changes, address by address."""

import json
from pathlib import Path

import pytest
from pulumi import automation as auto

from infra import propagation
from infra.definitions import ROOT
from tests.engine.engine import Engine, Stack
from tests.engine.google import Google, once
from tests.infra.conftest import COLUMNS, FILES, write
from tests.infra.recorder import BASE, EVERYTHING, SECRET_VALUES, Graph, record

FUNCTION, JOB = "handler/function", "schedule/daily"


def made_by(graph: Graph) -> set[str]:
    return {resource.path for resource in graph.real()}


def test_nothing_configured_is_told_in_sentences_and_nothing_is_made(
    engine: Engine, checkout: Path, google: Google
) -> None:
    outcome = engine.stack(checkout).up()
    assert outcome.error
    assert "looker-base-url" in outcome.text
    assert "Traceback" not in outcome.text
    assert google.calls == []


def test_every_problem_of_a_configuration_is_told_at_once_without_a_stack_trace(stack: Stack, google: Google) -> None:
    stack.configure({"sluice:schedule": "61 25 * * *", "sluice:vpc-egress": "all-traffic", "slucie:dry-run": "true"})
    outcome = stack.preview()
    assert outcome.error
    for told in ("schedule: must have", "vpc-egress and vpc-connector", "slucie:dry-run: dry-run is a key of sluice"):
        assert told in outcome.text
    assert "Traceback" not in outcome.text
    assert "unhandled exception" not in outcome.text
    assert google.calls == []


def test_secrets_in_plain_text_are_refused(engine: Engine, checkout: Path, google: Google) -> None:
    stack = engine.stack(checkout)
    stack.inner.set_all_config({key: auto.ConfigValue(value) for key, value in BASE.items()})
    outcome = stack.up()
    assert outcome.error
    assert "looker-client-" in outcome.text
    assert "secret" in outcome.text
    assert google.calls == []


def test_preview_up_up_and_refresh(stack: Stack, google: Google, base: Graph) -> None:
    preview = stack.preview()
    assert {("create", address) for address in made_by(base)} == set(preview.changes)
    assert "warning" not in preview.text
    assert google.calls == []
    first = stack.up()
    assert not first.error, first.text
    assert set(first.changes) == {("create", address) for address in made_by(base)}
    assert stack.addresses() == made_by(base)
    assert stack.up().changes == []
    assert stack.refresh().changes == []
    assert not google.done("update", "delete")


def test_toggles_change_one_resource_each_and_back(stack: Stack) -> None:
    stack.up()
    for key, default, value, address in (
        ("dry-run", "false", "true", FUNCTION),
        ("paused", "false", "true", JOB),
        ("workers", "50", "10", FUNCTION),
        ("schedule", "0 1 * * *", "30 2 * * *", JOB),
    ):
        for chosen in (value, default):
            stack.configure({f"sluice:{key}": chosen})
            assert stack.up().changes == [("update", address)], key


def test_a_rotation_makes_the_new_version_moves_the_function_and_then_destroys_the_old(
    stack: Stack, google: Google
) -> None:
    stack.up()
    google.calls.clear()
    stack.configure({"sluice:looker-client-secret": "rotated"})
    outcome = stack.up()
    assert not outcome.error, outcome.text
    assert google.done() == [
        ("create", "looker-client-secret-version"),
        ("update", "function"),
        ("delete", "looker-client-secret-version"),
    ]
    assert stack.up().changes == []


def test_changed_code_is_a_new_archive_and_an_updated_function(engine: Engine, tmp_path: Path) -> None:
    stack = engine.stack(write(tmp_path / "one"))
    stack.configure(BASE)
    stack.up()
    changed = write(tmp_path / "two", {**FILES, "function/main.py": "def handle(request):\n    return 'new'\n"})
    outcome = engine.stack(changed).up()
    assert not outcome.error, outcome.text
    assert outcome.of("replace") == {"handler/archive"}
    assert outcome.of("update") == {FUNCTION}
    assert {address for _, address in outcome.changes} == {"handler/archive", FUNCTION}
    assert engine.stack(changed).up().changes == []


def columns(*more: dict[str, str]) -> dict[str, str]:
    return {**FILES, "sql/tables/conversations/schema.json": json.dumps([*COLUMNS, *more])}


def test_a_column_that_is_added_updates_its_table_and_a_required_one_is_refused(
    engine: Engine, tmp_path: Path, google: Google
) -> None:
    stack = engine.stack(write(tmp_path / "one"))
    stack.configure(BASE)
    stack.up()
    nullable = {"name": "more", "type": "STRING", "mode": "NULLABLE", "description": "More."}
    outcome = engine.stack(write(tmp_path / "two", columns(nullable))).up()
    assert set(outcome.changes) == {
        ("update", address) for address in ("warehouse/conversations", "handler/archive")
    } | {("replace", "handler/archive")} or {"warehouse/conversations", "handler/archive", FUNCTION} == {
        address for _, address in outcome.changes
    }
    assert ("update", "warehouse/conversations") in outcome.changes
    google.calls.clear()
    required = {**nullable, "name": "other", "mode": "REQUIRED"}
    refused = engine.stack(write(tmp_path / "three", columns(nullable, required))).preview()
    assert refused.error
    assert "protect" in refused.text
    assert google.calls == []


def test_another_region_is_carried_out(stack: Stack, google: Google) -> None:
    stack.up()
    stack.configure({"gcp:region": "europe-west4"})
    outcome = stack.up()
    assert not outcome.error, outcome.text
    assert {FUNCTION, JOB, "secrets/looker-client-id", "handler/images"} <= outcome.of("replace")
    assert not any(address.startswith("warehouse/") for _, address in outcome.changes)
    assert stack.up().changes == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"sluice:bq-location": "US"}),
        (
            {"sluice:bq-location": "europe-west1"},
            {"sluice:bq-location": "europe-west1", "sluice:kms-key": EVERYTHING["sluice:kms-key"]},
        ),
        (
            {"sluice:bq-location": "europe-west1", "sluice:kms-key": EVERYTHING["sluice:kms-key"]},
            {"sluice:bq-location": "europe-west1", "sluice:kms-key": ""},
        ),
    ],
    ids=["another location", "a key added", "a key removed"],
)
def test_what_would_replace_the_tables_is_refused_before_anything_is_touched(
    stack: Stack, google: Google, before: dict[str, str], after: dict[str, str]
) -> None:
    stack.configure(before)
    first = stack.up()
    assert not first.error, first.text
    stack.configure(after)
    google.calls.clear()
    # `pulumi up` begins with the same preview, --yes or not.
    refused = stack.preview()
    assert refused.error
    assert "protect" in refused.text
    assert google.calls == []


def test_all_options_on_and_off_again(stack: Stack, everything: Graph, base: Graph) -> None:
    options = {key: value for key, value in EVERYTHING.items() if BASE.get(key) != value}
    chosen_once = {"sluice:kms-key", "sluice:bq-location"}
    stack.configure({key: EVERYTHING[key] for key in chosen_once})
    stack.up()
    stack.configure(options)
    on = stack.up()
    assert not on.error, on.text
    assert stack.addresses() == made_by(everything)
    assert stack.up().changes == []
    stack.forget(*(options.keys() - chosen_once))
    off = stack.up()
    assert not off.error, off.text
    assert stack.addresses() - made_by(base) == {
        address for address in made_by(everything) if address.startswith("encryption/")
    } | {"services/cloudkms"}
    assert stack.up().changes == []


def test_apis_and_grants_that_work_late_cost_no_first_deployment(
    stack: Stack, google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is that of the longest wait, not of all of them: how long is printed, and not judged."""
    google.apis_take, google.grants_take = 6.0, 3.0
    monkeypatch.setattr(propagation, "GRANT_SECONDS", 3.5)
    monkeypatch.setattr(propagation, "RETRY_SECONDS", 1.0)
    outcome = stack.up()
    assert not outcome.error, outcome.text
    waits = [later.at - earlier.at for earlier, later in zip(google.calls, google.calls[1:], strict=False)]
    assert sum(wait > 2 for wait in waits) <= 2, "the waits follow one another"
    assert stack.up().changes == []


def test_a_refusal_that_does_not_pass_is_not_waited_for(stack: Stack, google: Google, base: Graph) -> None:
    google.faults.append(once("create", "images", "googleapi: Error 403: caller has no permission"))
    failed = stack.up()
    assert failed.error
    assert "caller has no permission" in failed.text
    mended = stack.up()
    assert not mended.error, mended.text
    assert stack.addresses() == made_by(base)
    assert stack.up().changes == []


def test_what_was_deleted_by_hand_is_put_back(stack: Stack, google: Google) -> None:
    stack.up()
    view = next(id for id in google.of("bigquery/table:Table") if id.endswith("/daily"))
    del google.things[view]
    assert stack.up(refresh=True).of("create") == {"warehouse/daily-view"}
    assert stack.up().changes == []


def test_two_stacks_share_a_project(engine: Engine, stack: Stack, checkout: Path, google: Google) -> None:
    stack.up()
    before = dict(google.things)
    other = engine.stack(checkout, "dev")
    other.configure({**BASE, "sluice:bq-dataset": "elsewhere"})
    assert not other.up().error
    assert not other.destroy().error
    assert {id: google.things[id] for id in before} == before
    assert stack.up().changes == []


def test_destroying_keeps_the_data_under_management_and_the_next_up_puts_the_rest_back(
    stack: Stack, base: Graph, google: Google
) -> None:
    stack.up()
    kept = {resource.path for resource in base.real() if resource.protect}
    outcome = stack.destroy()
    assert not outcome.error, outcome.text
    assert kept <= stack.addresses()
    left = stack.addresses()
    assert left == kept | {address for address in made_by(base) if address.startswith("services/")}
    back = stack.up()
    assert not back.error, back.text
    assert set(back.changes) == {("create", address) for address in made_by(base) - left}
    assert stack.up().changes == []


def test_no_secret_is_in_the_state_the_events_or_what_is_printed(engine: Engine, stack: Stack) -> None:
    outcome = stack.up()
    told = [outcome.text, stack.preview().text, json.dumps(stack.exported()), *stack.events]
    told += [path.read_text(errors="replace") for path in (engine.folder / "state").rglob("*") if path.is_file()]
    for secret in SECRET_VALUES:
        assert not any(secret in text for text in told)


def test_the_real_checkout_is_deployed_and_changes_nothing_the_second_time(engine: Engine) -> None:
    stack = engine.stack(ROOT)
    stack.configure(EVERYTHING)
    first = stack.up()
    assert not first.error, first.text
    assert stack.addresses() == made_by(record(EVERYTHING, root=ROOT))
    assert stack.up().changes == []
