"""The engine's side of the wire: starts the provider as the engine does and speaks plain values with it."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    errors_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from limen_provider.properties import read_struct, write_struct

STARTED_WITH_FAKE_HOSTS = "from tests.unit.provider.process import main; main()"


class Refused(Exception):
    """The provider answered an error."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.code = error.code()
        self.message = str(error.details())
        self.details: list[Any] = []
        metadata: Any = error.trailing_metadata() or ()
        for key, value in metadata:
            if key == "grpc-status-details-bin":
                for packed in status_pb2.Status.FromString(value).details:
                    for kind in (provider_pb2.ErrorResourceInitFailed, errors_pb2.InputPropertiesError):
                        if packed.Is(kind.DESCRIPTOR):
                            self.details.append(kind.FromString(packed.value))


class EngineStandIn(engine_pb2_grpc.EngineServicer):
    """Takes what the provider tells its user: (urn, severity, message, ephemeral)."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, int, str, bool]] = []
        self.heard = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: Any, context: Any) -> Empty:  # noqa: N802
        with self.heard:
            self.messages.append((request.urn, request.severity, request.message, request.ephemeral))
            self.heard.notify_all()
        return Empty()

    @property
    def texts(self) -> str:
        return "\n".join(message for _, _, message, _ in self.messages)

    def stop(self) -> None:
        self._server.stop(0).wait()


class Provider:
    """A provider process and what an engine asks of it, for one resource type at a time."""

    def __init__(self, process: subprocess.Popen[str], engine: EngineStandIn) -> None:
        self.process = process
        self.engine = engine
        assert process.stdout is not None
        self._channel = grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def close(self) -> None:
        self._channel.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def begin(self) -> Self:
        """Itself, configured anew, as by each run of the engine."""
        self.engine.messages.clear()
        self.configure()
        return self

    def configure(self) -> None:
        self.ask(
            self.stub.Handshake, provider_pb2.ProviderHandshakeRequest(engine_address=self.engine.address)
        )
        self.ask(self.stub.Configure, provider_pb2.ConfigureRequest(acceptSecrets=True))

    def ask(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=60)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def of(self, kind: str, name: str = "it") -> "ResourceWire":
        return ResourceWire(
            self, f"limen:index:{kind}", f"urn:pulumi:dev::program::limen:index:{kind}::{name}"
        )


class ResourceWire:
    """One resource as the engine handles it."""

    def __init__(self, provider: Provider, kind: str, urn: str) -> None:
        self._provider = provider
        self._stub = provider.stub
        self._same: dict[str, Any] = {"type": kind, "urn": urn, "name": urn.rpartition("::")[2]}

    def _ask(self, method: Any, request: Any) -> Any:
        return self._provider.ask(method, request)

    def check(
        self, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None, seed: bytes = b""
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """(inputs, failures by path)"""
        request = provider_pb2.CheckRequest(
            **self._same, olds=write_struct(olds or {}), news=write_struct(news), randomSeed=seed
        )
        answer = self._ask(self._stub.Check, request)
        return read_struct(answer.inputs), {each.property: each.reason for each in answer.failures}

    def diff(
        self,
        resource_id: str,
        old_inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
    ) -> Any:
        request = provider_pb2.DiffRequest(
            **self._same,
            id=resource_id,
            old_inputs=write_struct(old_inputs),
            olds=write_struct(olds),
            news=write_struct(news),
        )
        return self._ask(self._stub.Diff, request)

    def create(self, inputs: Mapping[str, Any], preview: bool = False) -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(**self._same, properties=write_struct(inputs), preview=preview)
        answer = self._ask(self._stub.Create, request)
        return answer.id, read_struct(answer.properties)

    def update(
        self,
        resource_id: str,
        old_inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        preview: bool = False,
    ) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(
            **self._same,
            id=resource_id,
            old_inputs=write_struct(old_inputs),
            olds=write_struct(olds),
            news=write_struct(news),
            preview=preview,
        )
        return read_struct(self._ask(self._stub.Update, request).properties)

    def read(
        self,
        resource_id: str,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """(id, inputs, outputs); without inputs and outputs an import"""
        request = provider_pb2.ReadRequest(
            **self._same,
            id=resource_id,
            inputs=write_struct(inputs or {}),
            properties=write_struct(outputs or {}),
        )
        answer = self._ask(self._stub.Read, request)
        return answer.id, read_struct(answer.inputs), read_struct(answer.properties)

    def delete(
        self,
        resource_id: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        timeout: float = 0.0,
    ) -> None:
        request = provider_pb2.DeleteRequest(
            **self._same,
            id=resource_id,
            old_inputs=write_struct(inputs),
            properties=write_struct(outputs),
            timeout=timeout,
        )
        self._ask(self._stub.Delete, request)


def changed(diff: Any) -> bool:
    """Whether a Diff's answer says that there is something to do."""
    return bool(diff.changes == provider_pb2.DiffResponse.DIFF_SOME)


@contextlib.contextmanager
def running(environment: Mapping[str, str], code: str | None = None) -> Iterator[Provider]:
    """A provider that is not configured yet; with `code` started by that, else as the toolchain does."""
    engine = EngineStandIn()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
    start = ["-c", code] if code else ["-m", "limen_provider"]
    process = subprocess.Popen(
        [sys.executable, *start, engine.address],
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    provider = Provider(process, engine)
    try:
        yield provider
    finally:
        provider.close()
        engine.stop()
