"""How SSH gets to guests that only their host reaches: through it, the way libvirt itself goes. Pure."""

import shlex

from limen.host_uri import parse


def ssh_command(uri: str) -> tuple[str, ...] | None:
    """What logs in to the host of a `qemu+ssh://` URI, as libvirt does; None for URIs of other transports.

    Heeds libvirt's parameters `keyfile` and `no_verify`, and `knownhosts`, which is the libvirt plugin's.
    What is not said comes from one's own ssh configuration. Raises `limen.host_uri.InvalidUri`, a ValueError.
    """
    there = parse(uri)
    if there.transport != "ssh":
        return None
    options = {
        "StrictHostKeyChecking": "no" if there.get("no_verify", "0") != "0" else "",
        "UserKnownHostsFile": there.get("knownhosts"),
    }
    words = ["ssh"]
    words += [word for name, value in options.items() if value for word in ("-o", f"{name}={value}")]
    words += ["-i", there.get("keyfile")] if there.get("keyfile") else []
    words += ["-p", str(there.port)] if there.port else []
    words += ["-l", there.user] if there.user else []
    return (*words, there.host)


def proxy_command(uri: str) -> str | None:
    """OpenSSH's ProxyCommand that leads through the host of that URI; None where SSH does not go there."""
    command = ssh_command(uri)
    if command is None:
        return None
    *options, host = (word.replace("%", "%%") for word in command)
    return f"{shlex.join(options)} -W '[%h]:%p' {shlex.quote(host)}"
