"""Runs the Pulumi program against the SDK's mock monitor and records every message it sends to the engine."""

import asyncio
import contextvars
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime import mocks, rpc, settings, stack
from pulumi.runtime.config import set_all_config

from infra.program import deploy
from tests.infra.cloud import PROJECT, Cloud

SECRET_KEYS = ("sluice:looker-client-id", "sluice:looker-client-secret")
SECRET_VALUES = ("the-client-id", "the-client-secret")
BASE = {
    "gcp:project": PROJECT,
    "gcp:region": "europe-west1",
    "sluice:looker-base-url": "https://acme.cloud.looker.com",
    "sluice:looker-user-query-id": "4711",
    "sluice:bq-location": "EU",
    **dict(zip(SECRET_KEYS, SECRET_VALUES, strict=True)),
}
KEY = "projects/acme-keys/locations/europe-west1/keyRings/data/cryptoKeys/warehouse"
EVERYTHING = {
    **BASE,
    "sluice:bq-location": "europe-west1",
    "sluice:kms-key": KEY,
    "sluice:vpc-connector": "projects/acme-analytics/locations/europe-west1/connectors/egress",
    "sluice:vpc-egress": "all-traffic",
    "sluice:viewers-group": "viewers@acme.example",
    "sluice:readers-group": "readers@acme.example",
    "sluice:partition-expiration-days": "400",
    "sluice:labels": "team=analytics,cost-centre=data",
    "sluice:notification-email": "oncall@acme.example",
    "sluice:notification-channels": "projects/acme-analytics/notificationChannels/4711",
}


@dataclass(frozen=True)
class Secret:
    """A value that the engine is told to keep secret."""

    value: Any


@dataclass(frozen=True)
class Resource:
    """One registration, as sent. `inputs` are plain values, with Secret(...) where the engine sees a secret."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: frozenset[str]
    protect: bool
    retain_on_delete: bool
    ignore_changes: tuple[str, ...]
    replace_with: tuple[str, ...]
    message: Any = field(compare=False, repr=False)

    @property
    def path(self) -> str:
        """Short readable address: component/name."""
        parent = self.parent.rsplit("::", 1)[-1]
        return self.name if "::pulumi:pulumi:Stack::" in self.parent else f"{parent}/{self.name}"

    @property
    def component(self) -> bool:
        return self.type.startswith("sluice:")


@dataclass
class Graph:
    """Everything one run of the program told the engine."""

    resources: dict[str, Resource] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, path: str) -> Resource:
        return next(resource for resource in self.resources.values() if resource.path == path)

    def of(self, type_: str) -> list[Resource]:
        """Resources whose type ends with `type_`, e.g. `bigquery/table:Table`."""
        return [resource for resource in self.resources.values() if resource.type.endswith(type_)]

    def real(self) -> list[Resource]:
        """Resources a provider makes."""
        return [resource for resource in self.resources.values() if not resource.component]

    def before(self, resource: Resource) -> set[str]:
        """URNs that must stand before `resource`: its dependencies, its parents', and the children of components."""
        found: set[str] = set()
        pending = [resource.urn]
        while pending:
            current = self.resources.get(pending.pop())
            if current is None:
                continue
            for urn in (*current.depends_on, *self._parents(current), *self._children_of_dependencies(current)):
                if urn not in found and urn != resource.urn:
                    found.add(urn)
                    pending.append(urn)
        return found

    def _parents(self, resource: Resource) -> list[str]:
        return [resource.parent] if resource.parent in self.resources else []

    def _children_of_dependencies(self, resource: Resource) -> Iterator[str]:
        for urn in resource.depends_on:
            if self.resources[urn].component:
                yield from (child.urn for child in self.resources.values() if child.parent == urn)


class _Monitor(mocks.MockMonitor):
    def __init__(self, cloud: Cloud, graph: Graph) -> None:
        super().__init__(cloud)
        self._graph = graph

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the name of the engine's call
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's mock has no types
        if request.type == "pulumi:pulumi:Stack":
            return response
        if response.urn in self._graph.resources:
            self._graph.duplicates.append(response.urn)
        self._graph.resources[response.urn] = Resource(
            urn=response.urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            inputs=_plain(MessageToDict(request.object)),
            depends_on=frozenset(request.dependencies),
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            ignore_changes=tuple(request.ignoreChanges),
            replace_with=tuple(request.replace_with),
            message=request,
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  the name of the engine's call
        if "::pulumi:pulumi:Stack::" in request.urn:
            self._graph.outputs.update(_plain(MessageToDict(request.outputs)))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # the SDK's mock has no types


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return Secret(_plain(value["value"]))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop for this thread and one for each thread of its executor, where the SDK would leave loops unclosed."""
    loops: list[asyncio.AbstractEventLoop] = []

    def begin() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    begin()
    try:
        loops[0].set_default_executor(ThreadPoolExecutor(initializer=begin))
        yield loops[0]
        loops[0].run_until_complete(loops[0].shutdown_default_executor())
    finally:
        for loop in loops:
            loop.close()


def record(
    config: Mapping[str, str],
    *,
    root: Path,
    preview: bool = False,
    stack_name: str = "prod",
    program: Callable[[], None] | None = None,
) -> Graph:
    """Run `deploy(root)` (or `program`) as the engine would, and return what it registered.

    Each run has a thread, an event loop and a context of its own: the SDK keeps its state in them.

    Raises:
        Whatever the program raises.
    """
    graph = Graph()

    def run() -> None:
        with _event_loop() as loop:
            cloud = Cloud()
            mocks.set_mocks(cloud, project="sluice", stack=stack_name, preview=preview, monitor=_Monitor(cloud, graph))
            settings.SETTINGS.outputs = set()
            settings.set_root_resource(None)  # type: ignore[arg-type]  # set_mocks made one; the run makes its own
            set_all_config(dict(config), list(SECRET_KEYS))
            loop.run_until_complete(stack.run_in_stack(program or (lambda: deploy(root))))

    with ThreadPoolExecutor(1) as executor:
        executor.submit(contextvars.Context().run, run).result()
    return graph


def unsecret(value: Any) -> Any:
    """The value without its Secret envelopes."""
    if isinstance(value, Secret):
        return unsecret(value.value)
    if isinstance(value, dict):
        return {key: unsecret(item) for key, item in value.items()}
    return [unsecret(item) for item in value] if isinstance(value, list) else value


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every leaf; an empty list or mapping is a leaf."""
    if isinstance(value, dict) and value:
        for key, item in sorted(value.items()):
            yield from flat(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for n, item in enumerate(value):
            yield from flat(item, f"{path}[{n}]")
    else:
        yield path, value


def inventory(graph: Graph) -> str:
    """The graph as a person reads it: address, type, flags, and each input; of an archive the digests of its files."""
    lines: list[str] = []
    for resource in sorted(graph.resources.values(), key=lambda r: r.path):
        lines.append(f"{resource.path}  {resource.type}{''.join(f' [{flag}]' for flag in _flags(resource))}")
        lines += [
            f"    {path}: {_short(value)}" for path, value in flat(resource.inputs) if rpc._special_sig_key not in path
        ]
    return "\n".join(lines) + "\n"


def _flags(resource: Resource) -> Iterator[str]:
    if resource.protect:
        yield "protect"
    if resource.retain_on_delete:
        yield "retain"
    if resource.ignore_changes:
        yield f"ignore {', '.join(resource.ignore_changes)}"
    if resource.replace_with:
        yield "replace with " + ", ".join(urn.rsplit("::", 1)[-1] for urn in resource.replace_with)


def _short(value: Any) -> str:
    if isinstance(value, Secret):
        return "(secret)"
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 600 else f"{text[:600]} …"
