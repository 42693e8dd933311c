"""`limen-agent`: options for everything, from flags, the environment and a file; without a command it serves.

Only light imports here: libvirt's start hook runs this command as well, and has 200 ms.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from limen.agent import settings as told
from limen.agent.admitted import STATE
from limen.agent.logs import LEVELS, configure_logs
from limen.listening import certificates, parse_listen
from limen.quota.errors import LimenError

app = typer.Typer(name="limen-agent", add_completion=False, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("limen"))
        raise typer.Exit


def _config(context: typer.Context, file: Path | None) -> Path | None:
    """Options in the file become the defaults: what the environment or a flag says goes before them."""
    if file is not None:
        options = [option for option in context.command.params if not option.is_eager]
        try:
            context.default_map = told.read_file(file, [str(option.name) for option in options])
        except LimenError as error:
            raise _refusal(error) from error
    return file


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMEN_AGENT_CONFIG",
            callback=_config,
            is_eager=True,
            help="TOML file with any of these options, named as here with _ for -.",
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option(envvar="LIMEN_AGENT_LISTEN", help="HOST:PORT; port 0 takes a free one.")
    ] = "127.0.0.1:9000",
    token_file: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMEN_AGENT_TOKEN_FILE", help="File with the bearer token that callers have to send."
        ),
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(envvar="LIMEN_AGENT_TLS_CERTIFICATE", help="PEM file; serve HTTPS.")
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(envvar="LIMEN_AGENT_TLS_KEY", help="PEM file of the certificate's key."),
    ] = None,
    scrape_timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            envvar="LIMEN_AGENT_SCRAPE_TIMEOUT",
            help="Seconds after which a scrape is answered with what is there.",
        ),
    ] = 5.0,
    libvirt_uri: Annotated[
        str,
        typer.Option(
            envvar="LIMEN_LIBVIRT_URI",
            help="Libvirt's URI, `none`, or `auto`: qemu:///system where libvirt is installed.",
        ),
    ] = "auto",
    api_url: Annotated[
        str | None, typer.Option(envvar="LIMEN_API_URL", help="URL of the control plane, if there is one.")
    ] = None,
    api_token_file: Annotated[
        Path | None,
        typer.Option(envvar="LIMEN_TOKEN_FILE", help="File with the agent's token for the control plane."),
    ] = None,
    api_ca_file: Annotated[
        Path | None,
        typer.Option(envvar="LIMEN_CA_FILE", help="PEM file of the control plane's CA."),
    ] = None,
    state_dir: Annotated[
        Path,
        typer.Option(
            envvar="LIMEN_AGENT_STATE_DIR", help="Folder for the copy of who was admitted on this host."
        ),
    ] = STATE,
    scan_interval: Annotated[
        float,
        typer.Option(
            min=1.0,
            envvar="LIMEN_AGENT_SCAN_INTERVAL",
            help="Seconds between scans that are reported to the control plane, besides those after events.",
        ),
    ] = 60.0,
    log_level: Annotated[
        str, typer.Option(envvar="LIMEN_AGENT_LOG_LEVEL", help="debug, info, warning or error.")
    ] = "info",
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Metrics of this host and of its VMs, for Prometheus (/metrics) and as JSON (/v1/system, /v1/domains).

    Without a command it serves until SIGTERM. An option comes from its flag, else its variable, else the
    file that --config names, else the default. The log goes to standard error, one JSON object a line.
    """
    if log_level not in LEVELS:
        raise typer.BadParameter(f"must be one of {', '.join(LEVELS)}", param_hint="--log-level")
    configure_logs(log_level)
    try:
        settings = told.Settings(
            listen=parse_listen(listen),
            token_file=token_file,
            tls=certificates(tls_certificate, tls_key),
            scrape_timeout=scrape_timeout,
            libvirt_uri=told.resolve_uri(libvirt_uri),
            control_plane=told.control_plane(api_url, api_token_file, api_ca_file),
            state_dir=state_dir,
            scan_interval=scan_interval,
        )
        context.obj = settings
        if context.invoked_subcommand is None:
            from limen.agent.serving import serve  # not before: see above

            serve(settings)
    except LimenError as error:
        raise _refusal(error) from error


@app.command(add_help_option=False)
def hook() -> None:
    """Libvirt's qemu hook: see `limen-agent hook --help`. `entry` runs it, before typer is loaded."""


def _refusal(error: LimenError) -> typer.Exit:
    typer.echo(f"limen-agent: {error}", err=True)
    return typer.Exit(2)


def main() -> None:
    """Everything but the hook."""
    app()
