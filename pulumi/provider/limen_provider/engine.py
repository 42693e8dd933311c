"""Messages to the engine: what the user sees while and after things happen."""

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from limen_provider.errors import Cancelled

QUIET_SECONDS = 2.0
"""How long something may take before it says what it waits for."""

T = TypeVar("T")


class Log(Protocol):
    """Messages about one resource."""

    def info(self, message: str) -> None: ...

    def warning(self, message: str) -> None: ...

    def status(self, message: str) -> None:
        """A message that the next one overwrites, for progress."""
        ...


class Engine:
    """The engine at `address`; messages are best effort, since work must not fail for want of a listener."""

    def __init__(self, address: str) -> None:
        self.address = address
        channel = grpc.insecure_channel(address)
        self._stub = engine_pb2_grpc.EngineStub(channel)

    def log(self, urn: str, severity: int, message: str, ephemeral: bool = False) -> None:
        request = engine_pb2.LogRequest(urn=urn, message=message, ephemeral=ephemeral)
        request.severity = severity  # type: ignore[assignment]  # the stubs make enum values a NewType
        try:
            self._stub.Log(request, timeout=2.0)
        except grpc.RpcError:
            return


class EngineLog:
    """The messages of one operation; without an engine they go nowhere."""

    def __init__(self, engine: Engine | None, urn: str) -> None:
        self._engine = engine
        self._urn = urn

    def info(self, message: str) -> None:
        self._send(engine_pb2.INFO, message)

    def warning(self, message: str) -> None:
        self._send(engine_pb2.WARNING, message)

    def status(self, message: str) -> None:
        self._send(engine_pb2.INFO, message, ephemeral=True)

    def _send(self, severity: int, message: str, ephemeral: bool = False) -> None:
        if self._engine is not None:
            self._engine.log(self._urn, severity, message, ephemeral)


def with_progress(work: Callable[[], T], log: Log, waiting_for: str, cancelled: threading.Event) -> T:
    """Do `work`, saying every two seconds what is waited for; raises `Cancelled` when the engine cancels.

    Cancelled work goes on in its daemon thread: whatever it asks for must be safe to ask for again.
    """
    results: list[T] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def body() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  the calling thread raises it
            failures.append(error)
        finally:
            done.set()

    started = said = time.monotonic()
    threading.Thread(target=body, name=waiting_for, daemon=True).start()
    while not done.wait(0.1):
        if cancelled.is_set():
            raise Cancelled(f"Cancelled while waiting for {waiting_for}.")
        now = time.monotonic()
        if now - said >= QUIET_SECONDS:
            said = now
            log.status(f"waiting for {waiting_for} ({now - started:.0f} s)")
    if failures:
        raise failures[0]
    return results[0]
