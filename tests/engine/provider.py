"""A small stand-in for the gcp provider: the engine's own protocol on one side, tests/engine/google.py on the other."""

import json
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from google.protobuf.json_format import MessageToDict, ParseDict  # type: ignore[import-untyped]  # as above
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from infra.adoption.identities import UNKNOWN
from tests.engine.google import Denied, Google, same
from tests.engine.kinds import KINDS, NUMBER, Json
from tests.engine.schema import outputs

VERSION = "10.2.0"
FUNCTIONS = {
    "gcp:bigquery/getDefaultServiceAccount:getDefaultServiceAccount": {
        "email": f"bq-{NUMBER}@bigquery-encryption.iam.gserviceaccount.com"
    },
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {
        "emailAddress": f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
    },
}


def kind_of(urn: str) -> str:
    """Kind of an address, known to this stand-in.

    Raises:
        LookupError: it is not; teach tests/engine/kinds.py.
    """
    kind = urn.split("::")[2].rsplit("$", 1)[-1].removeprefix("gcp:")
    if kind not in KINDS:
        raise LookupError(f"the stand-in for Google does not know {kind}: see tests/engine/kinds.py")
    return kind


def name_of(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def plain(value: Any) -> Any:
    """Without the envelopes of secrets."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _struct(value: Mapping[str, Any]) -> Any:
    return ParseDict(dict(value), struct_pb2.Struct())


def _inputs(message: Any) -> Json:
    return {key: value for key, value in MessageToDict(message).items() if not key.startswith("__")}


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers as the bridged provider does; method names are those of the protocol."""

    def __init__(self, google: Google) -> None:
        self.google = google

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def GetSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "gcp", "version": VERSION}))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind_of(request.urn)
        return provider_pb2.CheckResponse(inputs=request.news)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.tok not in FUNCTIONS:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in for Google does not know {request.tok}")
        return provider_pb2.InvokeResponse(**{"return": _struct({**FUNCTIONS[request.tok], "id": "x"})})

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind = kind_of(request.urn)
        old, new = plain(_inputs(request.old_inputs)), plain(_inputs(request.news))
        changed = sorted(
            key
            for key in old.keys() | new.keys()
            if key not in request.ignoreChanges and not self._same(kind, key, old, new)
        )
        forced = [key for key in changed if _replaces(kind, key, old, new)]
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some, diffs=changed, replaces=forced, deleteBeforeReplace=KINDS[kind].deletes_first
        )

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, inputs = kind_of(request.urn), _inputs(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_struct({**_unknown(kind, inputs), **_nested(kind, inputs)}))
        with _denied(context):
            id, answer = self.google.create(kind, name_of(request.urn), plain(inputs))
        return provider_pb2.CreateResponse(id=id, properties=_struct({**answer, **_secret(inputs)}))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind = kind_of(request.urn)
        id = request.id
        if KINDS[kind].imported is None:
            # Found by what is known of it, as a refresh does, or not at all.
            known = plain(_inputs(request.properties))
            id = KINDS[kind].id.format_map(known) if known else ""
        found = self.google.read(kind, id)
        if not found:
            return provider_pb2.ReadResponse()
        id, thing = found
        inputs = _inputs(request.inputs) or {**thing.inputs, **KINDS[kind].on_import}
        return provider_pb2.ReadResponse(id=id, properties=_struct(thing.outputs), inputs=_struct(inputs))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        kind, inputs = kind_of(request.urn), _inputs(request.news)
        if request.preview:
            old = MessageToDict(request.olds)
            kept = KINDS[kind].computed(plain(old), request.id, 0)
            return provider_pb2.UpdateResponse(properties=_struct({**inputs, **kept}))
        with _denied(context):
            answer = self.google.update(kind, name_of(request.urn), request.id, plain(inputs))
        return provider_pb2.UpdateResponse(properties=_struct({**answer, **_secret(inputs)}))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        with _denied(context):
            self.google.delete(kind_of(request.urn), name_of(request.urn), request.id)
        return empty_pb2.Empty()

    @staticmethod
    def _same(kind: str, key: str, old: Json, new: Json) -> bool:
        return key in old and key in new and same(kind, key, old[key], new[key])


def _replaces(kind: str, key: str, old: Json, new: Json) -> bool:
    replaces = KINDS[kind].replaces
    if replaces is None or key in replaces:
        return True
    nested = [path.split(".")[1] for path in replaces if path.startswith(f"{key}.")]
    before, after = old.get(key), new.get(key)
    if kind == "bigquery/table:Table" and key == "schema":
        return _rewrites(json.loads(old[key]), json.loads(new[key]))
    return any((before or {}).get(name) != (after or {}).get(name) for name in nested)


def _rewrites(old: list[Json], new: list[Json]) -> bool:
    """Whether BigQuery cannot change the columns in place."""
    was, becomes = ({column["name"]: column for column in columns} for columns in (old, new))
    added = [column for name, column in becomes.items() if name not in was]
    dropped = was.keys() - becomes.keys()
    kept = [(was[name], becomes[name]) for name in was.keys() & becomes.keys()]
    return (
        any(column.get("mode") == "REQUIRED" for column in added)
        or bool(added and dropped)
        or any(a["type"] != b["type"] for a, b in kept)
        or any(a.get("mode") != "REQUIRED" and b.get("mode") == "REQUIRED" for a, b in kept)
    )


def _unknown(kind: str, inputs: Json) -> Json:
    return {**dict.fromkeys(outputs(kind) - inputs.keys(), UNKNOWN), **inputs}


def _nested(kind: str, inputs: Json) -> Json:
    if kind == "cloudfunctionsv2/function:Function":
        return {"serviceConfig": {**inputs["serviceConfig"], "uri": UNKNOWN}}
    return {}


def _secret(inputs: Json) -> Json:
    return {key: value for key, value in inputs.items() if isinstance(value, dict) and rpc._special_sig_key in value}


@contextmanager
def _denied(context: Any) -> Iterator[None]:
    try:
        yield
    except Denied as denied:
        context.abort(grpc.StatusCode.UNKNOWN, str(denied))


@contextmanager
def serving(google: Google) -> Iterator[int]:
    """The provider on a port of this machine."""
    options = [("grpc.max_receive_message_length", 400 << 20), ("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(64), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(google), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(1).wait()
