"""The process: prints its port, serves until the engine is gone."""

import contextlib
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from limen_provider.servicer import Servicer
from limen_provider.services import Services

# Every waiting operation keeps a thread; the engine runs as many at a time as --parallel says.
_THREADS = 128
_MESSAGE_BYTES = 400 * 1024 * 1024  # as the engine's own limit
_PARENT_SECONDS = 1.0


def serve(engine: str, version: str, services: Services | None = None) -> None:
    """Serve the engine at `engine` (host:port, or empty until it attaches). Does not return."""
    logging.basicConfig(level=logging.WARNING, format="limen provider: %(message)s", stream=sys.stderr)
    parent = os.getppid()
    services = services or Services()
    server = grpc.server(
        ThreadPoolExecutor(_THREADS),
        options=[("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.so_reuseport", 0)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(services, version, engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    # Not an Event: a handler that sets it may find its lock held by the very thread that it interrupts.
    ended: SimpleQueue[None] = SimpleQueue()

    def interrupted(*_: object) -> None:
        # Ctrl-C reaches the whole process group; the engine decides what is stopped and says so by Cancel.
        # After that, SIGINT is how it ends a plugin: one that lingers takes the others' time to be closed.
        if services.cancelled.is_set():
            ended.put(None)

    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, lambda *_: ended.put(None))
    server.start()
    print(port, flush=True)  # noqa: T201  the engine reads it
    # An engine that was killed tells nobody, so that heartbeats would go on for ever.
    while os.getppid() == parent:
        with contextlib.suppress(Empty):
            ended.get(timeout=_PARENT_SECONDS)
            break
    services.cancel()
    server.stop(grace=0.5).wait()
    sys.stderr.flush()
    # Threads that wait for the API or for libvirt must not keep the process alive.
    os._exit(0)
