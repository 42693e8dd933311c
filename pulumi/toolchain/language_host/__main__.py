"""The program `pulumi-language-python`: serve until the engine goes away or says stop."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from .processes import Children
from .servicer import LanguageHost

# Runs and plugins hold a thread each for as long as they live; there are few of them.
THREADS = 64
# Pulumi's own limit: configuration and state may be large.
MESSAGE_BYTES = 400 * 1024 * 1024


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line as the engine writes it."""
    parser = argparse.ArgumentParser(
        prog="pulumi-language-python", description="Pulumi's language host for Python; the CLI starts it."
    )
    parser.add_argument("engine", nargs="?", default="", help="address of the engine's gRPC server")
    parser.add_argument("-v", type=int, default=0, metavar="LEVEL", help="accepted and ignored")
    parser.add_argument("--logtostderr", action="store_true", help="accepted and ignored")
    parser.add_argument("--tracing", metavar="ENDPOINT", help="accepted and ignored")
    return parser.parse_args(argv)


def watch(engine: str, gone: Callable[[], None]) -> None:
    """Call `gone` when the engine no longer listens, so that a killed CLI leaves no host behind."""
    # The engine is on this machine: a proxy that is set for the internet is not asked.
    channel = grpc.insecure_channel(engine, options=[("grpc.enable_http_proxy", 0)])

    def changed(state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            gone()
        elif state is grpc.ChannelConnectivity.IDLE:
            # The connection was closed, by an engine that ended or for lack of calls: trying again tells.
            channel.unsubscribe(changed)
            channel.subscribe(changed, try_to_connect=True)

    channel.subscribe(changed, try_to_connect=True)


def main(argv: list[str] | None = None) -> NoReturn:
    """Serve, then exit; the first line on standard output is the port."""
    args = arguments(sys.argv[1:] if argv is None else argv)
    # Not an Event: a handler that sets it may find its lock held by the very thread that it interrupts.
    stop: SimpleQueue[None] = SimpleQueue()

    def stopped(number: int, frame: FrameType | None) -> None:
        stop.put(None)

    signal.signal(signal.SIGINT, stopped)
    signal.signal(signal.SIGTERM, stopped)

    children = Children()
    server = grpc.server(
        ThreadPoolExecutor(max_workers=THREADS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageHost(args.engine, version("pulumi"), children), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    if args.engine:
        watch(args.engine, lambda: stop.put(None))
    stop.get()
    children.stop_all()
    server.stop(grace=1).wait()
    sys.stdout.flush()
    sys.stderr.flush()
    # gRPC's thread that watches the engine's connection can't be joined, and prints a traceback when the
    # interpreter is taken down under it.
    os._exit(0)


if __name__ == "__main__":
    main()
