"""What limen-agent is told by its file, its environment and its command line."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from limen.agent.admitted import STATE
from limen.host_uri import parse
from limen.listening import Listen
from limen.quota.errors import LimenError

SYSTEM_URI = "qemu:///system"
SOCKETS = Path("/run/libvirt")


class SettingsError(LimenError):
    """limen-agent can't start with what it was told."""


@dataclass(frozen=True)
class ControlPlane:
    """Where limen-api answers, and the files with its token and its CA.

    `address` is connected to instead of what the URL's name resolves to.
    """

    url: str
    token_file: Path
    ca_file: Path | None = None
    address: str | None = None


@dataclass(frozen=True)
class Settings:
    """Everything that a running agent is told; `scrape_timeout` and `scan_interval` are in seconds.

    `token_file` holds the bearer token that callers have to send, `without` names collectors that are left
    out, `libvirt_uri` is None where the host has no libvirt.
    """

    listen: Listen
    token_file: Path | None = None
    tls: tuple[Path, Path] | None = None
    scrape_timeout: float = 5.0
    without: tuple[str, ...] = ()
    libvirt_uri: str | None = None
    control_plane: ControlPlane | None = None
    state_dir: Path = STATE
    scan_interval: float = 60.0


def read_file(file: Path, known: Iterable[str]) -> dict[str, str]:
    """The options in a TOML file, by name; raises SettingsError, which names keys that are not `known`."""
    try:
        with file.open("rb") as source:
            found = tomllib.load(source)
    except OSError as error:
        raise SettingsError(f"The configuration {file} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The configuration {file} is no TOML: {error}.") from error
    known = sorted(known)
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise SettingsError(
            f"The configuration {file} holds what limen-agent does not know: {', '.join(unknown)}. "
            f"It knows: {', '.join(known)}."
        )
    values: dict[str, str] = {}
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise SettingsError(f"{name} in {file} must be text in quotes or a number.")
        values[name] = str(value)
    return values


def resolve_uri(text: str) -> str | None:
    """`auto` is libvirt's usual URI where its sockets' folder is there, `none` is None.

    Raises `limen.host_uri.InvalidUri` for what is no URI of a host.
    """
    if text == "auto":
        return SYSTEM_URI if SOCKETS.is_dir() else None
    return None if text in ("", "none") else parse(text).text


def control_plane(
    url: str | None, token_file: Path | None, ca_file: Path | None, address: str | None
) -> ControlPlane | None:
    """None where no URL is given; raises SettingsError where one is, without a token."""
    if not url:
        return None
    if token_file is None:
        raise SettingsError("--api-url needs --api-token-file: the agent's token for the control plane.")
    return ControlPlane(url, token_file, ca_file, address)
