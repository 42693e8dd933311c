"""How SSH gets to guests that only their host reaches: through it, the way libvirt itself goes. Pure."""

import shlex
from urllib.parse import parse_qs, unquote, urlsplit


def ssh_command(uri: str) -> tuple[str, ...] | None:
    """What logs in to the host of a `qemu+ssh://` URI, as libvirt does; None for URIs of other transports.

    Heeds libvirt's parameters `keyfile` and `no_verify`, and `knownhosts`, which is the libvirt plugin's.
    What is not said comes from one's own ssh configuration. Raises ValueError for a bad port.
    """
    parts = urlsplit(uri)
    if parts.scheme.partition("+")[2] not in ("ssh", "libssh", "libssh2") or not parts.hostname:
        return None
    given = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    options = {
        "StrictHostKeyChecking": "no" if given.get("no_verify", "0") != "0" else None,
        "UserKnownHostsFile": given.get("knownhosts"),
    }
    words = ["ssh"]
    words += [word for name, value in options.items() if value for word in ("-o", f"{name}={value}")]
    words += ["-i", given["keyfile"]] if "keyfile" in given else []
    words += ["-p", str(parts.port)] if parts.port else []
    words += ["-l", unquote(parts.username)] if parts.username else []
    return (*words, parts.hostname)


def proxy_command(uri: str) -> str | None:
    """OpenSSH's ProxyCommand that leads through the host of that URI; None where SSH does not go there."""
    command = ssh_command(uri)
    if command is None:
        return None
    *options, host = (word.replace("%", "%%") for word in command)
    return f"{shlex.join(options)} -W '[%h]:%p' {shlex.quote(host)}"
