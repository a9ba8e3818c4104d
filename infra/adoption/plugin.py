"""The provider plugin, asked as the engine asks it: does this exist, and what is it like?

`pulumi import` stops at the first thing that is not there. This finds out beforehand, without changing anything.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]  # protobuf ships no types
from google.protobuf.json_format import MessageToDict, ParseDict  # type: ignore[import-untyped]  # as above
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # as above
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

NAME = "gcp"
SECONDS = 60.0
MESSAGE_BYTES = 400 << 20
"""The provider's own bound: its answers hold archives."""


class PluginError(Exception):
    """The plugin is not installed, did not start or refused the configuration; says which."""


class Plugin:
    """A configured provider."""

    def __init__(self, stub: Any, configuration: Mapping[str, str]) -> None:
        self._stub = stub
        variables = {f"{NAME}:config:{key}": value for key, value in configuration.items()}
        arguments = ParseDict({**configuration, "version": version(f"pulumi-{NAME}")}, Struct())
        request = provider_pb2.ConfigureRequest(
            variables=variables, args=arguments, acceptSecrets=True, acceptResources=True
        )
        try:
            self._stub.Configure(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise PluginError(f"the provider refused its configuration: {error.details()}") from error

    def read(self, urn: str, id: str, properties: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Outputs of the resource `id`, or None when there is none.

        Args:
            urn: address it would have in the stack; its kind is taken from it.
            properties: what is known of it, for a kind that is not found by its id alone.

        Raises:
            PluginError: Google refused to tell.
        """
        known = ParseDict(dict(properties or {}), Struct())
        request = provider_pb2.ReadRequest(id=id, urn=urn, properties=known)
        try:
            answer = self._stub.Read(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise PluginError(str(error.details())) from error
        return MessageToDict(answer.properties) if answer.id else None


class _Engine(engine_pb2_grpc.EngineServicer):
    """The little of the engine that a provider calls: what it logs is left out."""

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802  the name of the call
        return Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802  the name of the call
        return engine_pb2.GetRootResourceResponse()


@contextmanager
def running(configuration: Mapping[str, str]) -> Iterator[Plugin]:
    """The plugin of the installed SDK's version, configured; ended afterwards.

    `PULUMI_DEBUG_PROVIDERS=gcp:PORT` attaches to one that runs, as it does for the engine.

    Raises:
        PluginError: see there.
    """
    with _port() as port, grpc.insecure_channel(f"127.0.0.1:{port}", options=_options()) as channel:
        yield Plugin(provider_pb2_grpc.ResourceProviderStub(channel), configuration)


def _options() -> list[tuple[str, int]]:
    return [("grpc.max_receive_message_length", MESSAGE_BYTES)]


@contextmanager
def _port() -> Iterator[str]:
    attached = dict(pair.split(":") for pair in os.environ.get("PULUMI_DEBUG_PROVIDERS", "").split(",") if pair)
    if NAME in attached:
        yield attached[NAME]
        return
    engine = grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), engine)
    address = f"127.0.0.1:{engine.add_insecure_port('127.0.0.1:0')}"
    engine.start()
    try:
        command = [str(_binary()), address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  the CLI's own plugin
            try:
                assert process.stdout
                port = process.stdout.readline().strip()
                if not port.isdecimal():
                    raise PluginError("the provider plugin did not start")
                yield port
            finally:
                process.terminate()
    finally:
        engine.stop(None)


def _binary() -> Path:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    found = home / "plugins" / f"resource-{NAME}-v{version(f'pulumi-{NAME}')}" / f"pulumi-resource-{NAME}"
    with suppress(OSError):
        if os.access(found, os.X_OK):
            return found
    raise PluginError(f"the provider plugin is not installed: pulumi plugin install resource {NAME} {_wanted()}")


def _wanted() -> str:
    return f"v{version(f'pulumi-{NAME}')}"
