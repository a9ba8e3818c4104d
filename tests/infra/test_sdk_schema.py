"""The typed SDK as a schema finds each kind of mistake, and covers what the program uses."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.infra import sdk_schema
from tests.infra.recorder import Graph

type Inputs = dict[str, Any]


@pytest.mark.parametrize(
    ("address", "spoil", "problem"),
    [
        ("schedule/daily", lambda i: i.update(pausd=True), "schedule/daily.pausd: unknown"),
        ("schedule/daily", lambda i: i.update(paused="true"), "schedule/daily.paused: str, not bool"),
        ("schedule/daily", lambda i: i["retryConfig"].update(retryCount="3"), "retryConfig.retryCount: str, not int"),
        ("schedule/daily", lambda i: i["httpTarget"].pop("uri"), "httpTarget.uri: missing"),
        ("warehouse/writer", lambda i: i.pop("role"), "warehouse/writer.role: missing"),
        ("warehouse/conversations", lambda i: i.update(clusterings="id"), "clusterings: not a list"),
        ("warehouse/conversations", lambda i: i.update(labels=["a"]), "labels: not a dict"),
        ("handler/function", lambda i: i["serviceConfig"].update(ingressSettings="INTERNAL"), "INTERNAL is none of"),
        ("observability/runs", lambda i: i["metricDescriptor"].update(valueType="INTEGER"), "INTEGER is none of"),
        ("observability/runs", lambda i: i.update(metricDescriptor="x"), "metricDescriptor: not an object"),
    ],
)
def test_a_mistake_is_found(base: Graph, address: str, spoil: Callable[[Inputs], object], problem: str) -> None:
    resource = base[address]
    inputs = _copy(resource.inputs)
    spoil(inputs)
    found = sdk_schema.problems(replace(resource, inputs=inputs))
    assert len(found) == 1
    assert problem in found[0]


def test_enums_of_what_the_program_uses_are_known(everything: Graph) -> None:
    assert sdk_schema.enums(sdk_schema.arguments("gcp:cloudrunv2/service:Service"))["ingress"] >= {
        "INGRESS_TRAFFIC_ALL",
        "INGRESS_TRAFFIC_INTERNAL_ONLY",
    }
    known = {r.type for r in everything.real() if sdk_schema.enums(sdk_schema.arguments(r.type))}
    assert "gcp:monitoring/alertPolicy:AlertPolicy" in known


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
