"""`limen-agent`: options from flags, the environment and a file; it serves until SIGTERM.

argparse on purpose: typer, with the pydantic that it loads, takes 20 MiB, of an agent that may have 45.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from limen.agent import settings as told
from limen.agent.admitted import STATE
from limen.agent.logs import LEVELS, configure_logs
from limen.listening import certificates, parse_listen
from limen.quota.errors import LimenError

_CONFIG = "LIMEN_AGENT_CONFIG"
_HEAPS = "MALLOC_ARENA_MAX"
_ABOUT = """\
Metrics of this host and of its VMs, for Prometheus (/metrics) and as JSON (/v1/system, /v1/domains); with a
control plane it is the host's observer as well. It serves until SIGTERM. The log goes to standard error, one
JSON object a line.

An option comes from its flag, else its variable, else the file that --config names, else its default.
`limen-agent hook --help` tells of libvirt's start hook."""


@dataclass(frozen=True)
class Option:
    """`parse` takes what was written, and raises ValueError with what is wrong."""

    name: str
    variable: str
    default: str | None
    help: str
    metavar: str
    parse: Callable[[str], Any]


def _seconds(least: float, text: str) -> float:
    value = float(text)
    if not least <= value <= 3600.0:
        raise ValueError(f"must be from {least:g} to 3600 seconds")
    return value


def _level(text: str) -> str:
    if text not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.replace(",", " ").split())


OPTIONS = (
    Option(
        "listen",
        "LIMEN_AGENT_LISTEN",
        "127.0.0.1:9000",
        "port 0 takes a free one; beyond loopback token and TLS are needed",
        "HOST:PORT",
        parse_listen,
    ),
    Option(
        "token_file",
        "LIMEN_AGENT_TOKEN_FILE",
        None,
        "file with the bearer token that callers have to send",
        "FILE",
        Path,
    ),
    Option("tls_certificate", "LIMEN_AGENT_TLS_CERTIFICATE", None, "PEM file; serve HTTPS", "FILE", Path),
    Option("tls_key", "LIMEN_AGENT_TLS_KEY", None, "PEM file of the certificate's key", "FILE", Path),
    Option(
        "scrape_timeout",
        "LIMEN_AGENT_SCRAPE_TIMEOUT",
        "5",
        "after this long a scrape is answered with what is there",
        "SECONDS",
        partial(_seconds, 0.1),
    ),
    Option(
        "without",
        "LIMEN_AGENT_WITHOUT",
        "",
        "collectors to leave out, by name, separated by commas",
        "NAMES",
        _names,
    ),
    Option(
        "libvirt_uri",
        "LIMEN_LIBVIRT_URI",
        "auto",
        "libvirt's URI, `none`, or `auto`: qemu:///system where libvirt is installed",
        "URI",
        str,
    ),
    Option("api_url", "LIMEN_API_URL", None, "URL of the control plane, if there is one", "URL", str),
    Option(
        "api_token_file",
        "LIMEN_TOKEN_FILE",
        None,
        "file with the host's token for the control plane",
        "FILE",
        Path,
    ),
    Option("api_ca_file", "LIMEN_CA_FILE", None, "PEM file of the control plane's CA", "FILE", Path),
    Option(
        "api_address",
        "LIMEN_AGENT_API_ADDRESS",
        None,
        "connect to this address; the name in the URL is not resolved then, its certificate still wanted",
        "ADDRESS",
        str,
    ),
    Option(
        "state_dir",
        "LIMEN_AGENT_STATE_DIR",
        str(STATE),
        "folder for the copy of who was admitted on this host",
        "FOLDER",
        Path,
    ),
    Option(
        "scan_interval",
        "LIMEN_AGENT_SCAN_INTERVAL",
        "60",
        "time between scans that are reported to the control plane, besides those after events",
        "SECONDS",
        partial(_seconds, 1.0),
    ),
    Option("log_level", "LIMEN_AGENT_LOG_LEVEL", "info", ", ".join(LEVELS), "LEVEL", _level),
)


def resolve(flags: Mapping[str, str], environment: Mapping[str, str], file: Path | None) -> dict[str, Any]:
    """Every option's value, by name; raises SettingsError, which says where a wrong value was written."""
    written = told.read_file(file, [option.name for option in OPTIONS]) if file else {}
    values: dict[str, Any] = {}
    for option in OPTIONS:
        sources = (
            (f"--{option.name.replace('_', '-')}", flags.get(option.name)),
            (option.variable, environment.get(option.variable) or None),
            (f"{option.name} in {file}", written.get(option.name)),
            ("the default", option.default),
        )
        where, text = next(((where, text) for where, text in sources if text is not None), ("", None))
        try:
            values[option.name] = None if text is None else option.parse(text)
        except (ValueError, LimenError) as error:
            raise told.SettingsError(f"{where}: {error}") from error
    return values


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="limen-agent", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=version("limen"))
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=os.environ.get(_CONFIG),
        help=f"TOML file with any of these options, named as here with _ for - (${_CONFIG})",
    )
    for option in OPTIONS:
        default = f"; default {option.default}" if option.default else ""
        parser.add_argument(
            f"--{option.name.replace('_', '-')}",
            metavar=option.metavar,
            default=argparse.SUPPRESS,
            help=f"{option.help} (${option.variable}{default})",
        )
    return parser


def _settings(values: Mapping[str, Any]) -> told.Settings:
    return told.Settings(
        listen=values["listen"],
        token_file=values["token_file"],
        tls=certificates(values["tls_certificate"], values["tls_key"]),
        scrape_timeout=values["scrape_timeout"],
        without=values["without"],
        libvirt_uri=told.resolve_uri(values["libvirt_uri"]),
        control_plane=told.control_plane(
            values["api_url"], values["api_token_file"], values["api_ca_file"], values["api_address"]
        ),
        state_dir=values["state_dir"],
        scan_interval=values["scan_interval"],
    )


def _share_heap() -> None:
    """Begin anew with one heap for all threads: glibc's default, one for each, takes 3 MiB more."""
    if _HEAPS not in os.environ:
        os.execve(sys.executable, sys.orig_argv, {**os.environ, _HEAPS: "1"})  # noqa: S606  itself


def main() -> None:
    """Everything but the hook."""
    flags = vars(_parser().parse_args())
    config = flags.pop("config")
    try:
        values = resolve(flags, os.environ, Path(config) if config else None)
        configure_logs(values["log_level"])
        settings = _settings(values)
        _share_heap()
        from limen.agent.serving import serve  # what it needs takes a second to load: --help does not

        serve(settings)
    except LimenError as error:
        sys.stderr.write(f"limen-agent: {error}\n")
        sys.exit(2)
