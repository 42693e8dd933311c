"""The engine's side of the wire, as much of it as a program needs: engine and resource monitor in one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc


class FakeEngine(engine_pb2_grpc.EngineServicer, resource_pb2_grpc.ResourceMonitorServicer):
    """Records what a program logs and registers.

    logs: (severity, message); registered: type tokens; outputs: the stack's exports by name.
    """

    def __init__(self) -> None:
        self.logs: list[tuple[int, str]] = []
        self.registered: list[str] = []
        self.outputs: dict[str, Any] = {}
        self.informed = threading.Event()
        self._root = ""
        self._server = grpc.server(ThreadPoolExecutor(max_workers=16))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, frame: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone, as an engine that was killed."""
        self._server.stop(grace=None).wait()

    @property
    def infos(self) -> list[str]:
        """The messages that the program has for the person."""
        return [message for severity, message in self.logs if severity == engine_pb2.INFO]

    @property
    def errors(self) -> list[str]:
        """The messages that a person would see in red."""
        return [message for severity, message in self.logs if severity == engine_pb2.ERROR]

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.logs.append((request.severity, request.message))
        if request.severity == engine_pb2.INFO:
            self.informed.set()
        return empty_pb2.Empty()

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in ("secrets", "outputValues"))

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.registered.append(request.type)
        urn = f"urn:pulumi:dev::tiny::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.outputs.update(dict(request.outputs))
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()
