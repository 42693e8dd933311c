"""`limen-api`: its options, and the reasons for which it does not start.

What serves is loaded when it has something to serve: FastAPI takes two seconds of a slow machine.
"""

import ssl
from pathlib import Path
from typing import Annotated

import typer

from limen.api.logs import configure_logs
from limen.api.settings import Settings, SettingsError, database_url
from limen.listening import bind, certificates, parse_listen
from limen.quota.errors import LimenError


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
        database = database_url()
        from limen.ledger import Ledger

        ledger = Ledger.open(database)
    except LimenError as error:
        typer.echo(f"limen-api: {error}", err=True)
        raise typer.Exit(2) from error
    from limen.api.serving import run

    with ledger:
        run(ledger, settings, bound, behind_proxy, tls)


def _checked_ca(ca_file: Path | None) -> Path | None:
    try:
        ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "no certificate in it"
        raise SettingsError(f"{ca_file} can't be used: {reason}. Correct --agent-ca-file.") from error
    return ca_file


def main() -> None:
    """Entry point of the console script."""
    typer.run(serve)
