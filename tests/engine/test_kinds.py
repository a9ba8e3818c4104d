"""The stand-in's knowledge of Google, held against the installed SDK and against what the program makes."""

import typing

import pytest

from tests.engine.kinds import KINDS
from tests.engine.schema import documented_to_replace, outputs
from tests.infra import sdk_schema
from tests.infra.recorder import Graph

# Documented to replace, and no input of ours: a resource that begins to use one must be taught to the stand-in.
UNUSED = {
    "bigquery/table:Table": {"externalDataConfiguration", "tableConstraints", "tableReplicationInfo"},
}


def test_it_knows_what_the_program_makes_and_nothing_else(base: Graph, everything: Graph) -> None:
    made = {resource.type.removeprefix("gcp:") for graph in (base, everything) for resource in graph.real()}
    assert set(KINDS) == made


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_replaces_is_an_input_and_all_that_is_documented_to_replace_does(kind: str) -> None:
    inputs = sdk_schema.arguments(f"gcp:{kind}")
    replaces = KINDS[kind].replaces
    if replaces is not None:
        assert {name.split(".")[0] for name in replaces} <= set(inputs_of(inputs))
        documented = documented_to_replace(kind, inputs)
        assert documented - {name.split(".")[0] for name in replaces} - UNUSED.get(kind, set()) == set()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_only_google_knows_is_an_output(kind: str) -> None:
    inputs = {"name": "n", "service": "s.googleapis.com", "serviceConfig": {}, "project": "p"}
    assert set(KINDS[kind].computed(inputs, "a/b", 1)) <= outputs(kind)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_cannot_be_imported_is_what_the_sdk_says_cannot(kind: str) -> None:
    documented = "This resource does not support import." in (
        sdk_schema.resource_class(kind).__init__.__doc__ or ""
    ) or any("This resource does not support import." in (overload.__doc__ or "") for overload in _overloads(kind))
    assert (KINDS[kind].imported is None) == documented


def inputs_of(cls: type) -> list[str]:
    return [getter.name for getter in sdk_schema._getters(cls)]


def _overloads(kind: str) -> list[object]:
    return list(typing.get_overloads(sdk_schema.resource_class(kind).__init__))
