"""URIs of libvirt hosts: read once, allowed by name, written anew. Pure.

Libvirt lets a URI run programs (`command=`, `netcat=`, the transport `ext`), start a driver inside of whoever
opens it (`/embed`) and speak to ssh (a host `-oProxyCommand=...`); it compares names of parameters after
decoding them, without case. So no text from outside reaches libvirt, virsh or ssh: only what is written here,
of the parts that are known here.

Ansible's collection imports nothing of `limen` and has a copy: all but the imports is the same, and
tests/security/uris keeps it so.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote_to_bytes

from limen.quota.errors import LimenError

LONGEST = 1024
"""Characters of a whole URI."""
_LONGEST_SOCKET = 107  # bytes of a socket's path that Linux takes

_EXAMPLES = "qemu:///system, qemu+unix:///system?socket=/PATH or qemu+ssh://USER@HOST/system"
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")  # RFC 3986
_PARTS = re.compile(r"([^:/?#]+)://([^/?#]*)([^?#]*)(?:\?([^#]*))?")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,63}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_DECODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
# What ssh starts on the other side is a line of a shell.
_REMOTE_PATH = re.compile(r"/[A-Za-z0-9._/@+-]*")

_FLAG = re.compile(r"[01]")
_MODE = re.compile(r"auto|direct|legacy")
_WORDS = re.compile(r"[a-z-]+(?:,[a-z-]+)*")
_FILE = re.compile(r"(?:/|~/).*")
_SOCKET = re.compile(r"/.*")
_LOCAL = {"socket": _SOCKET, "mode": _MODE}
_PARAMETERS = {
    "": _LOCAL,
    "unix": _LOCAL,
    "ssh": {
        "keyfile": _FILE,
        "knownhosts": _FILE,  # the Pulumi plugin's, and our own for ssh
        "sshauth": _WORDS,  # the plugin's: what it tries to log in with
        "no_tty": _FLAG,
        "no_verify": _FLAG,
        "socket": _REMOTE_PATH,
        "mode": _MODE,
    },
}
"""Transport -> parameter -> what its value looks like. What is not here does not exist for Limen."""


class InvalidUri(LimenError, ValueError):
    """A URI that Limen opens nothing with. What it says shows a name at most: a URI may hold a password."""


@dataclass(frozen=True)
class HostUri:
    """A libvirt host. `transport` is "" for this machine's own socket, "unix" or "ssh"; no user, no host: "".

    `driver` is "qemu", or "test" for libvirt's own mock, whose `path` is `/default` or a file.
    """

    driver: str
    transport: str
    user: str
    host: str
    port: int | None
    path: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The URI to give to libvirt."""
        scheme = f"{self.driver}+{self.transport}" if self.transport else self.driver
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        query = "&".join(f"{name}={quote(value, safe='/~:,')}" for name, value in self.parameters)
        return f"{scheme}://{user}{host}{port}{self.path}{'?' if query else ''}{query}"

    def get(self, name: str, default: str = "") -> str:
        """The value of a parameter."""
        return dict(self.parameters).get(name, default)

    def having(self, name: str, default: str) -> HostUri:
        """The same host with this parameter, unless it is said already."""
        if name in dict(self.parameters):
            return self
        return replace(self, parameters=(*self.parameters, (name, default)))


def parse(uri: str) -> HostUri:
    """The host that an operator names on a machine of their own; raises InvalidUri."""
    if not isinstance(uri, str) or not uri:
        raise _refused("there is none")
    if len(uri) > LONGEST:
        raise _refused(f"this one is longer than {LONGEST} characters")
    if not _CHARACTERS.fullmatch(uri):
        raise _refused("characters that no URI may hold are written as %XX")
    parts = _PARTS.fullmatch(uri)
    if parts is None:
        raise _refused("this is none, or has a part behind #")
    scheme, authority, path, query = parts.groups()
    driver, plus, transport = scheme.lower().partition("+")
    if driver == "test":
        return _mock(scheme.lower(), authority, path, query)
    if driver != "qemu":
        raise _refused(f"the driver {driver!a:.30} is not supported")
    if transport not in _PARAMETERS or bool(plus) != bool(transport):
        raise _refused(f"the transport {transport!a:.30} is not supported")
    if path not in ("/system", "/session"):
        raise _refused("its path is /system or /session")
    user, host, port = _authority(authority, transport)
    return HostUri(driver, transport, user, host, port, path, _parameters(query, transport))


def parse_shared(uri: str) -> HostUri:
    """The host that a caller of limen-api has it connect to, as its own user; raises InvalidUri.

    Stricter than `parse`: a session would start a daemon as limen-api's user, the mock reads a file, and a
    caller does not decide that limen-api believes any host key.
    """
    found = parse(uri)
    if found.driver != "qemu":
        raise _refused(f"the driver {found.driver!a:.30} is not supported")
    if found.path != "/system":
        raise _refused("the path of a host that is shared is /system")
    if found.get("no_verify", "0") != "0":
        raise _refused("limen-api looks at host keys, so no_verify is not allowed")
    return found


def shown(uri: object) -> str:
    """What a message may show of a URI that was refused: no credentials, no parameters, nothing long."""
    return ascii(re.sub(r"//.*@", "//", str(uri).partition("?")[0], flags=re.DOTALL))[:60]


def _mock(scheme: str, authority: str, path: str, query: str | None) -> HostUri:
    if scheme != "test" or authority or query is not None or not _REMOTE_PATH.fullmatch(path) or path == "/":
        raise _refused("libvirt's test driver is named test:///default or test:///FILE")
    return HostUri("test", "", "", "", None, path, ())


def _authority(authority: str, transport: str) -> tuple[str, str, int | None]:
    if transport != "ssh":
        if authority:
            raise _refused("a host needs the transport ssh")
        return "", "", None
    login, at, place = authority.rpartition("@")
    if ":" in login or "@" in login:
        raise _refused("a password does not belong in it, and an @ in a user's name is written %40")
    user = _decoded(login)
    if at and not _USER.fullmatch(user):
        raise _refused("a user begins with a letter or digit and holds letters, digits and ._@+- only")
    host, port = _place(place)
    return user, host, port


def _place(place: str) -> tuple[str, int | None]:
    """The host, without the brackets of an IPv6 address, and the port."""
    if place.startswith("["):
        host, closed, rest = place[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not closed or colon not in ("", ":") or not _is_ipv6(host):
            raise _refused("what stands in brackets is an IPv6 address without a zone")
    else:
        host, colon, port = place.partition(":")
        if not _HOST.fullmatch(host):
            raise _refused("a host begins with a letter or digit and holds letters, digits and ._- only")
    if colon and (not _PORT.fullmatch(port) or int(port) > 65535):
        raise _refused("the port is a number from 1 to 65535")
    return host, int(port) if colon else None


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).compressed != "" and "%" not in text
    except ValueError:
        return False


def _parameters(query: str | None, transport: str) -> tuple[tuple[str, str], ...]:
    if query is None:
        return ()
    found: dict[str, str] = {}
    for each in query.split("&"):
        written, equals, value = each.partition("=")
        # Libvirt takes a semicolon for another parameter's beginning.
        if not equals or not written or not value or ";" in each or "=" in value:
            raise _refused("parameters are written name=value, with & between them")
        name = _decoded(written)
        known = _PARAMETERS[transport].get(name.lower()) if name.isascii() else None
        if known is None:
            allowed = ", ".join(sorted(_PARAMETERS[transport]))
            raise _refused(f"the parameter {name!a:.30} is not among {allowed}")
        name, value = name.lower(), _decoded(value)
        if name in found:
            raise _refused(f"the parameter {name} is there twice")
        if not value.isprintable() or not known.fullmatch(value):
            raise _refused(f"the value of {name} is not one that it may have")
        if name == "socket" and len(value.encode()) > _LONGEST_SOCKET:
            raise _refused(f"the path of a socket has {_LONGEST_SOCKET} bytes at most")
        found[name] = value
    return tuple(found.items())


def _decoded(text: str) -> str:
    """Percent signs resolved, once, as libvirt does; a plus stays a plus."""
    if not _DECODED.fullmatch(text):
        raise _refused("behind a percent sign stand two hexadecimal digits")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("what percent signs hide is UTF-8") from None


def _refused(why: str) -> InvalidUri:
    return InvalidUri(f"A libvirt host's URI is written {_EXAMPLES}: {why}.")
