"""What Google has and the state has not is taken over: after a kill, after a destroy, after the state is lost."""

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import adopt
from infra.adoption.planned import Refused
from tests.engine.engine import Engine, Stack, environment
from tests.engine.google import Google
from tests.engine.monitoring import serving as monitoring
from tests.infra.recorder import BASE, EVERYTHING, Graph

POINTS = 5


@pytest.fixture(autouse=True)
def reachable(engine: Engine, google: Google) -> Iterator[None]:
    """The provider and Cloud Monitoring, as `make adopt` finds them from the environment."""
    with monitoring(google) as address:
        found = {**engine.environment, "GOOGLE_MONITORING_CUSTOM_ENDPOINT": address}
        with environment(found):
            yield


def mended(stack: Stack, graph: Graph) -> None:
    """The documented way back: adopt, up; then nothing changes and everything is there."""
    adopt.adopt(stack.inner, carry_out=True)
    up = stack.up()
    assert not up.error, up.text
    assert stack.addresses() == {resource.path for resource in graph.real()}
    assert stack.preview().changes == []
    assert stack.refresh().changes == []


@pytest.mark.parametrize("config", [BASE, EVERYTHING], ids=["base", "everything"])
def test_a_lost_state_is_taken_over_whole_and_nothing_changes(
    engine: Engine,
    checkout: Path,
    google: Google,
    config: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    base: Graph,
    everything: Graph,
) -> None:
    stack = engine.stack(checkout)
    stack.configure(config)
    assert not stack.up().error
    things = {id: thing.inputs for id, thing in google.things.items()}
    engine.lose_state()
    stack = engine.stack(checkout)
    stack.configure(config)
    google.calls.clear()
    assert adopt.adopt(stack.inner, carry_out=False) == 0
    shown = capsys.readouterr().out
    assert "Would take over" in shown
    assert "warehouse/dataset: projects/acme-analytics/datasets/looker_agents" in shown
    assert google.calls == []
    assert stack.addresses() == set()
    assert adopt.adopt(stack.inner, carry_out=True) == 0
    assert "A preview now changes nothing." in capsys.readouterr().out
    assert stack.preview().changes == []
    assert stack.up().changes == []
    graph = base if config is BASE else everything
    assert stack.addresses() == {resource.path for resource in graph.real()}
    assert {id: thing.inputs for id, thing in google.things.items()} == things
    kept = {r["urn"].rsplit("::", 1)[-1] for r in stack.exported()["resources"] if r.get("protect")}
    assert kept == {resource.name for resource in graph.real() if resource.protect}


def test_data_that_was_kept_is_taken_over_by_a_new_stack(
    engine: Engine, stack: Stack, checkout: Path, base: Graph, google: Google
) -> None:
    stack.up()
    stack.destroy()
    engine.lose_state()
    stack = engine.stack(checkout)
    stack.configure(BASE)
    assert stack.up().error, "the dataset is there and not in the state"
    kept = {id: google.things[id] for id in google.of("bigquery/table:Table")}
    mended(stack, base)
    assert all(google.things[id].since == thing.since for id, thing in kept.items())


def test_leaving_for_good_keeps_the_data_and_there_is_a_way_back(
    engine: Engine, stack: Stack, checkout: Path, base: Graph, google: Google
) -> None:
    stack.up()
    engine.command("state", "unprotect", "--all", "--yes")
    left = stack.destroy()
    assert not left.error, left.text
    engine.command("stack", "rm", "--yes")
    tables = {id for id, thing in google.of("bigquery/table:Table").items() if "view" not in thing.inputs}
    assert len(tables) == 4
    assert set(google.of("bigquery/table:Table")) == tables
    stack = engine.stack(checkout)
    stack.configure(BASE)
    mended(stack, base)


@pytest.mark.parametrize("point", range(POINTS))
def test_an_up_that_is_killed_is_mended(engine: Engine, stack: Stack, google: Google, base: Graph, point: int) -> None:
    n = random.Random(f"up {point}").randrange(2, len(base.real()) - 1)
    fault = engine.kill_at(n, "create")
    google.faults.append(fault)
    assert stack.up().error
    google.faults.remove(fault)
    mended(stack, base)


def test_an_up_that_is_killed_while_the_function_is_made_is_mended(
    engine: Engine, stack: Stack, google: Google, base: Graph, capsys: pytest.CaptureFixture[str]
) -> None:
    kill = engine.kill_at(1, "create")

    def fault(verb: str, name: str) -> None:
        if name == "function":
            kill(verb, name)

    google.faults.append(fault)
    assert stack.up().error
    google.faults.remove(fault)
    mended(stack, base)
    told = capsys.readouterr().out
    assert "interrupted while creating function" in told
    assert "handler/function: projects/acme-analytics/locations/europe-west1/functions/sluice-prod" in told
    assert "its lock is removed" in told


@pytest.mark.parametrize("point", range(POINTS))
def test_a_destroy_that_is_killed_is_mended(
    engine: Engine, stack: Stack, google: Google, base: Graph, point: int
) -> None:
    stack.up()
    fault = engine.kill_at(random.Random(f"destroy {point}").randrange(2, 50), "delete")
    google.faults.append(fault)
    assert stack.destroy().error
    google.faults.remove(fault)
    mended(stack, base)


def test_an_up_that_is_interrupted_by_hand_ends_what_it_began(
    engine: Engine, stack: Stack, google: Google, base: Graph
) -> None:
    fault = engine.kill_at(30, "create", signal.SIGINT)
    google.faults.append(fault)
    stopped = stack.up()
    assert stopped.error
    google.faults.remove(fault)
    assert not stack.exported().get("pending_operations")
    up = stack.up()
    assert not up.error, up.text
    assert stack.addresses() == {resource.path for resource in base.real()}
    assert stack.up().changes == []


def test_a_dataset_of_another_stack_is_left_alone(
    engine: Engine, stack: Stack, checkout: Path, google: Google, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.up()
    things = dict(google.things)
    other = engine.stack(checkout, "dev")
    other.configure(BASE)
    assert adopt.adopt(other.inner, carry_out=True) == 1
    assert "warehouse/dataset: exists and belongs to the stack sluice-prod" in capsys.readouterr().out
    assert not any(address.startswith("warehouse/") for address in other.addresses())
    assert google.things == things


def test_a_lock_of_a_process_that_lives_is_told_and_left(engine: Engine, stack: Stack, google: Google) -> None:
    kill = engine.kill_at(20, "create")
    google.faults.append(kill)
    assert stack.up().error
    google.faults.remove(kill)
    lock = next((engine.folder / "state").rglob("locks/**/*.json"))
    content = json.loads(lock.read_text())
    lock.write_text(json.dumps({**content, "pid": os.getpid()}))
    with pytest.raises(Refused, match="pulumi cancel"):
        adopt.adopt(stack.inner, carry_out=True)
    assert lock.exists()
