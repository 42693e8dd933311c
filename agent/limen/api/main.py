"""`limen-api`: listen, serve, and end promptly."""

import asyncio
import contextlib
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from limen.api.app import create_app
from limen.api.logs import configure_logs
from limen.api.settings import Settings, SettingsError, database_url
from limen.ledger import Ledger
from limen.listening import bind, certificates, parse_listen
from limen.quota.errors import LimenError

_log = structlog.get_logger()
_TICK_SECONDS = 1.0


def serve(
    listen: Annotated[
        str, typer.Option(envvar="LIMEN_API_LISTEN", help="HOST:PORT; port 0 takes a free one.")
    ] = "127.0.0.1:18443",
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            envvar="LIMEN_API_BEHIND_PROXY",
            help="A reverse proxy ends TLS in front of this address.",
        ),
    ] = False,
    tls_certificate: Annotated[
        Path | None, typer.Option(envvar="LIMEN_API_TLS_CERTIFICATE", help="PEM file; serve HTTPS.")
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(envvar="LIMEN_API_TLS_KEY", help="PEM file of the certificate's key."),
    ] = None,
    scan_interval: Annotated[
        float,
        typer.Option(min=1.0, envvar="LIMEN_API_SCAN_INTERVAL", help="Seconds between scans of a host."),
    ] = 60.0,
    sweep_interval: Annotated[
        float,
        typer.Option(
            min=0.2,
            max=60.0,
            envvar="LIMEN_API_SWEEP_INTERVAL",
            help="Seconds between looks at deadlines, at the most: each is looked at when it has passed.",
        ),
    ] = 30.0,
    report_seconds: Annotated[
        float,
        typer.Option(
            min=1.0,
            envvar="LIMEN_API_REPORT_SECONDS",
            help="Scan a host again whose agent has not reported for so many seconds.",
        ),
    ] = 120.0,
    agent_token_file: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMEN_API_AGENT_TOKEN_FILE", help="File with the token that hosts' agents ask for."
        ),
    ] = None,
    agent_ca_file: Annotated[
        Path | None,
        typer.Option(envvar="LIMEN_API_AGENT_CA_FILE", help="PEM file of the CA of agents' certificates."),
    ] = None,
    log_level: Annotated[
        str, typer.Option(envvar="LIMEN_API_LOG_LEVEL", help="debug, info, warning or error.")
    ] = "info",
) -> None:
    """Serve the Limen API, the one authority that admits. It runs without root.

    The database comes from LIMEN_DATABASE_URL, or from the file that LIMEN_DATABASE_URL_FILE names (which
    systemd's LoadCredential= can hand over); each option below has its variable. Hosts are registered over
    the API (`limen host add URI`): for qemu:///system libvirt's polkit rules have to let this user in, for
    qemu+ssh its ~/.ssh is read, or the key that the URI's keyfile= names. The log goes to standard error, one
    JSON object a line.
    """
    if log_level not in ("debug", "info", "warning", "error"):
        raise typer.BadParameter("must be debug, info, warning or error", param_hint="--log-level")
    configure_logs(log_level)
    try:
        address = parse_listen(listen)
        tls = certificates(tls_certificate, tls_key)
        if not (address.is_loopback or behind_proxy or tls):
            raise SettingsError(
                f"{address.host} is not a loopback address, and tokens would cross the network in clear: "
                "give --tls-certificate and --tls-key, or --behind-proxy if a reverse proxy ends TLS."
            )
        settings = Settings(
            scan_interval, sweep_interval, report_seconds, agent_token_file, _checked_ca(agent_ca_file)
        )
        bound = bind(address, "limen-api")
        ledger = Ledger.open(database_url())
    except LimenError as error:
        typer.echo(f"limen-api: {error}", err=True)
        raise typer.Exit(2) from error
    with ledger:
        _run(create_app(ledger, settings), bound, behind_proxy, tls)


def _run(
    app: FastAPI,
    bound: socket.socket,
    behind_proxy: bool,
    tls: tuple[Path, Path] | None,
) -> None:
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


def _checked_ca(ca_file: Path | None) -> Path | None:
    try:
        ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "no certificate in it"
        raise SettingsError(f"{ca_file} can't be used: {reason}. Correct --agent-ca-file.") from error
    return ca_file


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


def main() -> None:
    """Entry point of the console script."""
    typer.run(serve)
