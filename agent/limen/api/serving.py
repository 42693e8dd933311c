"""Serve the app on a socket, and end promptly."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import structlog
import typer
import uvicorn

from limen.api.app import create_app
from limen.api.settings import Settings
from limen.ledger import Ledger

_log = structlog.get_logger()
_TICK_SECONDS = 1.0


def run(
    ledger: Ledger,
    settings: Settings,
    bound: socket.socket,
    behind_proxy: bool,
    tls: tuple[Path, Path] | None,
) -> None:
    """Serve until a signal ends it; `tls` is certificate and key. Raises typer.Exit if it can't begin."""
    app = create_app(ledger, settings)
    certificate, key = tls or (None, None)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=behind_proxy,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=30,
    )
    # uvicorn raises the signal that ended it once more after its shutdown: then the exit is a clean one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, port = bound.getsockname()[:2]
    _log.info("listening", address=f"{host}:{port}")
    server = _Server(config)
    server.on_exit = app.state.parts.observers.announce_end
    server.run(sockets=[bound])
    if not server.started:
        raise typer.Exit(1)


class _Server(uvicorn.Server):
    """A server that ends what waits on purpose before it waits for open requests, and rests when idle.

    uvicorn's own loop wakes ten times a second to see whether it is to end; here the signal wakes it.
    """

    on_exit: Callable[[], None] = staticmethod(lambda: None)
    _wake: Callable[[], object] = staticmethod(lambda: None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.on_exit()
        super().handle_exit(sig, frame)
        self._wake()

    async def main_loop(self) -> None:
        loop, ending = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(ending.set)
        # Each tick with this number sets the header Date anew.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _TICK_SECONDS)
