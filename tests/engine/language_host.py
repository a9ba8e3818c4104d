"""The little of a language host that `pulumi import` asks for: that it is there, and needs no more plugins.

The program itself runs in the test's process (tests/engine/engine.py). Where a real host is on PATH, that one is used.
"""

import sys
from concurrent import futures
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """Method names are those of the protocol."""

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version="3.0.0")

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.GetRequiredPluginsResponse()

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.GetRequiredPackagesResponse()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(), server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    sys.stdout.flush()
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
