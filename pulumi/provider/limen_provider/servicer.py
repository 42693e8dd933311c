"""The gRPC service: reads messages, calls a resource class, writes messages. Nothing is decided here."""
# ruff: noqa: N802  (the protocol names the methods)

import json
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from limen_provider.configuration import check_configuration
from limen_provider.engine import Engine, EngineLog
from limen_provider.errors import Failure, ProviderError
from limen_provider.functions import call_function
from limen_provider.preview_only import refuse
from limen_provider.properties import read_struct, reveal, secret_paths, write_struct
from limen_provider.registry import resource_for, schema
from limen_provider.resource import Call, Change, Diff, Resource
from limen_provider.services import Services
from limen_provider.status import status_of

T = TypeVar("T")

_KINDS = {
    Change.ADD: provider_pb2.PropertyDiff.ADD,
    Change.DELETE: provider_pb2.PropertyDiff.DELETE,
    Change.UPDATE: provider_pb2.PropertyDiff.UPDATE,
}
_REPLACE_KINDS = {
    Change.ADD: provider_pb2.PropertyDiff.ADD_REPLACE,
    Change.DELETE: provider_pb2.PropertyDiff.DELETE_REPLACE,
    Change.UPDATE: provider_pb2.PropertyDiff.UPDATE_REPLACE,
}
_SECRET = "This would be kept and shown in clear, since nothing of Limen's is secret: pass a plain value."  # noqa: S105


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one engine process; `engine` is its address, empty until it says so."""

    def __init__(self, services: Services, version: str, engine: str = "") -> None:
        self._services = services
        self._version = version
        self._engine = Engine(engine) if engine else None

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Empty:
        self._attach(request.address)
        return Empty()

    def Parameterize(self, request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "The limen provider takes no parameters.")

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema(self._version)))

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        news = self._answer(context, lambda: read_struct(request.news))
        failures = check_configuration(news)
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        # Where the API is and who asks are not in the state, so nothing of it can differ.
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._answer(context, self._services.configure)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        def check() -> Any:
            given = read_struct(request.news)
            secrets = [Failure(path, _SECRET) for path in secret_paths(given)]
            if secrets:
                return provider_pb2.CheckResponse(failures=_failures(secrets))
            resource, call = self._resource(request), self._call(request, seed=request.randomSeed)
            checked = resource.check(call, reveal(read_struct(request.olds)), given)
            inputs = write_struct(checked.inputs)
            return provider_pb2.CheckResponse(inputs=inputs, failures=_failures(checked.failures))

        return self._answer(context, check)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        def diff() -> Any:
            old_inputs, olds, news = (
                _plain(struct) for struct in (request.old_inputs, request.olds, request.news)
            )
            found = self._resource(request).diff(self._call(request), request.id, old_inputs, olds, news)
            return _diff_response(found)

        return self._answer(context, diff)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        def create() -> Any:
            self._may("nothing is created in it", request.preview)
            inputs = _plain(request.properties)
            created = self._resource(request).create(self._call(request), inputs, request.preview)
            return provider_pb2.CreateResponse(id=created.id, properties=write_struct(created.outputs))

        return self._answer(context, create)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        def read() -> Any:
            self._may("nothing is read from it: leave out --refresh")
            inputs, outputs = _plain(request.inputs), _plain(request.properties)
            found = self._resource(request).read(self._call(request), request.id, inputs, outputs)
            if found is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=found.id, properties=write_struct(found.outputs), inputs=write_struct(found.inputs)
            )

        return self._answer(context, read)

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        def update() -> Any:
            self._may("nothing is updated in it", request.preview)
            olds, news = _plain(request.olds), _plain(request.news)
            resource, call = self._resource(request), self._call(request)
            outputs = resource.update(call, request.id, olds, news, request.preview)
            return provider_pb2.UpdateResponse(properties=write_struct(outputs))

        return self._answer(context, update)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Empty:
        def delete() -> Empty:
            self._may("nothing is deleted in it")
            inputs, outputs = _plain(request.old_inputs), _plain(request.properties)
            self._resource(request).delete(self._call(request), request.id, inputs, outputs)
            return Empty()

        return self._answer(context, delete)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        def invoke() -> Any:
            result = call_function(request.tok, _plain(request.args), self._services)
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(write_struct(result))  # a keyword in Python
            return response

        return self._answer(context, invoke)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Empty:
        self._services.cancel()
        return Empty()

    def _attach(self, address: str) -> None:
        if address and (self._engine is None or self._engine.address != address):
            self._engine = Engine(address)

    def _may(self, refusal: str, preview: bool = False) -> None:
        """Raise `NoAccess` where only previews are made and this is none."""
        if self._services.preview_only is not None and not preview:
            raise refuse(refusal)

    def _resource(self, request: Any) -> Resource:
        token = request.type or request.urn.split("::")[2].rpartition("$")[2]
        return resource_for(token, self._services)

    def _call(self, request: Any, seed: bytes = b"") -> Call:
        timeout = getattr(request, "timeout", 0.0)
        return Call(request.urn, EngineLog(self._engine, request.urn), timeout, seed)

    def _answer(self, context: grpc.ServicerContext, work: Callable[[], T]) -> T:
        try:
            return work()
        except Exception as error:  # the edge: every error becomes a status
            context.abort_with_status(status_of(error))
            raise ProviderError("abort_with_status returned") from error


def _plain(struct: Any) -> dict[str, Any]:
    revealed: dict[str, Any] = reveal(read_struct(struct))
    return revealed


def _failures(failures: Any) -> list[Any]:
    return [provider_pb2.CheckFailure(property=each.path, reason=each.reason) for each in failures]


def _diff_response(diff: Diff) -> Any:
    response = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME
        if diff.changes or diff.drift
        else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=diff.replaces,
        deleteBeforeReplace=diff.delete_before_replace,
        hasDetailedDiff=True,
    )
    for path, change in diff.changes.items():
        kinds = _REPLACE_KINDS if _top(path) in diff.replaces else _KINDS
        response.detailedDiff[path].kind = kinds[change]
        response.detailedDiff[path].inputDiff = True
    for path in diff.drift:
        response.detailedDiff[path].kind = provider_pb2.PropertyDiff.UPDATE
    response.diffs.extend(sorted({_top(path) for path in (*diff.changes, *diff.drift)}))
    return response


def _top(path: str) -> str:
    return path.replace("[", ".").partition(".")[0]
