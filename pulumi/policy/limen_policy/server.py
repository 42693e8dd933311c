"""The process: prints its port and serves until the engine ends it."""

import contextlib
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from queue import Empty, SimpleQueue

import grpc
from pulumi.runtime.proto import analyzer_pb2_grpc

from limen_policy.policy import Policy
from limen_policy.servicer import Analyzer

_MESSAGE_BYTES = 400 * 1024 * 1024  # as the engine's own limit
_PARENT_SECONDS = 1.0


def serve(policies: Sequence[Policy]) -> None:
    """Serve these policies; returns when the engine has ended."""
    parent = os.getppid()
    # Not an Event: a handler that sets it may find its lock held by the very thread that it interrupts.
    ended: SimpleQueue[None] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.put(None))
    server = grpc.server(
        ThreadPoolExecutor(4),
        options=[("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.so_reuseport", 0)],
    )
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(policies, version("limen")), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201  the engine reads it
    # An engine that was killed tells nobody.
    while os.getppid() == parent:
        with contextlib.suppress(Empty):
            ended.get(timeout=_PARENT_SECONDS)
            break
    server.stop(grace=0.5).wait()
