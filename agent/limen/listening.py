"""What both daemons do before they serve: an address to listen on, and files for TLS."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from limen.quota.errors import LimenError


class ListenError(LimenError):
    """A daemon can't listen as it was told."""


@dataclass(frozen=True)
class Listen:
    """An address to listen on."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host, a name or an address, stays on this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_listen(text: str) -> Listen:
    """`HOST:PORT`, an IPv6 host in brackets; raises ListenError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ListenError(f"{text!r} is no address to listen on: write HOST:PORT, such as 127.0.0.1:18443.")
    return Listen(host.removeprefix("[").removesuffix("]"), int(port))


def certificates(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Both files, or None where neither is named; raises ListenError."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ListenError("--tls-certificate and --tls-key belong together: give both.")
    for file in (certificate, key):
        if not file.is_file():
            raise ListenError(f"{file} is not there.")
    return certificate, key


def bind(address: Listen, daemon: str) -> socket.socket:
    """A listening socket; raises ListenError, which names `daemon`."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        bound = socket.create_server((address.host, address.port), family=family, backlog=512)
    except OSError as error:
        raise ListenError(
            f"Can't listen on {address.host}:{address.port}: {error.strerror}. "
            f"Is another {daemon} running? Choose another address with --listen."
        ) from error
    # Connections inherit it. asyncio sets it only on sockets that were made with an explicit protocol, and
    # without it every answer waits 40 ms for the client's delayed acknowledgement.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound
