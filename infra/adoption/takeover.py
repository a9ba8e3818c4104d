"""Into the state: by `pulumi import` where a kind can be imported, else as an entry written there."""

from collections.abc import Iterator, Sequence
from typing import Any

from pulumi import automation as auto

from infra.adoption import identities, state
from infra.adoption.interrupted import Say, unlocked
from infra.adoption.planned import name_of, quiet
from infra.adoption.verdict import Verdict


def take_over(stack: auto.Stack, found: Sequence[Verdict], say: Say) -> None:
    """Enter every verdict with an id into the state.

    Raises:
        Refused: the stack is locked, or the engine says no.
    """
    written = [verdict for verdict in found if verdict.planned.kind in identities.WRITTEN]
    imported = [verdict for verdict in found if verdict.planned.kind not in identities.WRITTEN]
    if imported:
        known = {resource["urn"] for resource in state.resources(stack)}
        parents = {verdict.planned.parent for verdict in imported}
        unlocked(
            stack,
            say,
            lambda: stack.import_resources(
                resources=list(_specifications(imported, parents - known)),
                name_table={name_of(urn): urn for urn in parents & known},
                generate_code=False,
                on_output=quiet,
            ),
        )
    if written:
        unlocked(stack, say, lambda: _write(stack, written))


def align(stack: auto.Stack, urns: Sequence[str], say: Say) -> None:
    """Bring these to what the program says: import guesses some inputs, and protects everything.

    Raises:
        Refused: the stack is locked, or the engine says no.
    """
    unlocked(stack, say, lambda: stack.up(target=list(urns), on_output=quiet))


def _specifications(found: Sequence[Verdict], parents: set[str]) -> Iterator[Any]:
    for urn in sorted(parents):
        yield {"type": urn.split("::")[2].rsplit("$", 1)[-1], "name": name_of(urn), "component": True}
    for verdict in found:
        planned = verdict.planned
        yield {"type": planned.kind, "name": planned.name, "id": verdict.id, "parent": planned.component}


def _write(stack: auto.Stack, found: Sequence[Verdict]) -> None:
    exported = state.export(stack)
    resources = exported["deployment"]["resources"]
    provider = next(f"{r['urn']}::{r['id']}" for r in resources if r["type"] == "pulumi:providers:gcp")
    for verdict in found:
        resources.append(
            {
                "urn": verdict.planned.urn,
                "custom": True,
                "id": verdict.id,
                "type": verdict.planned.kind,
                "inputs": verdict.planned.inputs,
                "outputs": verdict.outputs,
                "parent": verdict.planned.parent,
                "provider": provider,
            }
        )
    state.replace(stack, exported)
