"""The policy pack as the engine runs it: a process of its own, asked over gRPC about recorded resources."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from infra.definitions import ROOT
from tests.infra.recorder import Graph

PYTHON = ROOT / ".venv-policy/bin/python"
SECONDS = 30

type Violation = tuple[str, str]


class Analyzer:
    """Answers are (policy, message without the policy's description)."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def policies(self) -> set[str]:
        """Names of the policies of the pack that stop an update."""
        found = self._stub.GetAnalyzerInfo(Empty(), timeout=SECONDS).policies
        return {policy.name for policy in found if policy.enforcementLevel == analyzer_pb2.MANDATORY}

    def resource(self, kind: str, properties: Any, *, protect: bool = False) -> list[Violation]:
        """What the pack says of one resource; `properties` is the wire's Struct."""
        options = analyzer_pb2.AnalyzerResourceOptions(protect=protect)
        request = analyzer_pb2.AnalyzeRequest(
            type=kind, properties=properties, urn=f"urn:pulumi:t::t::{kind}::x", name="x", options=options
        )
        return _violations(self._stub.Analyze(request, timeout=SECONDS))

    def graph(self, graph: Graph) -> list[Violation]:
        """What the pack says of every resource, and of all together."""
        single = [
            violation
            for resource in graph.resources.values()
            for violation in self.resource(resource.type, resource.message.object, protect=resource.protect)
        ]
        return single + self.stack((r.type, r.urn, r.message.object) for r in graph.resources.values())

    def stack(self, resources: Iterable[tuple[str, str, Any]]) -> list[Violation]:
        """What the pack says of resources (type, urn, properties) as one stack."""
        request = analyzer_pb2.AnalyzeStackRequest(
            resources=[
                analyzer_pb2.AnalyzerResource(type=kind, urn=urn, name=urn.rsplit("::", 1)[-1], properties=properties)
                for kind, urn, properties in resources
            ]
        )
        return _violations(self._stub.AnalyzeStack(request, timeout=SECONDS))


def _violations(response: Any) -> list[Violation]:
    return [(found.policyName, found.message.split("\n", 1)[-1]) for found in response.diagnostics]


@contextmanager
def analyzer() -> Iterator[Analyzer]:
    """Start the pack, and end it.

    Raises:
        FileNotFoundError: its environment is not there; says how to make it.
    """
    if not PYTHON.is_file():
        raise FileNotFoundError("the policy pack has an environment of its own: make it with `make .venv-policy/ready`")
    command = [str(PYTHON), "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(ROOT / "policy")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port = process.stdout.readline().strip()
            if not port.isdecimal():
                raise RuntimeError(f"the policy pack did not start: {port}")
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield Analyzer(analyzer_pb2_grpc.AnalyzerStub(channel))
        finally:
            process.terminate()
