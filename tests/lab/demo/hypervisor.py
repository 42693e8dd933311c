"""The host that the main job works on: the lab's own, or the one that LIMEN_LIBVIRT_URI names."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from limen.hypervisor.connection import connect
from limen.hypervisor.errors import HypervisorError, NotFound
from limen.ssh_route import proxy_command
from tests.lab.demo.shell import StepFailed

POOL = "default"
# The host's own bridge leads to the guest: a new one, at an address that another had, is nothing to stop at.
THROUGH_THE_HOST = """\
    ProxyCommand {proxy}
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    LogLevel ERROR
"""
DIRECTLY = """\
    UserKnownHostsFile {known_hosts}
    StrictHostKeyChecking accept-new
"""


def check(uri: str) -> None:
    """Raise StepFailed, with what to do, unless this host is one that VMs can be made on; changes nothing."""
    parts = urlsplit(uri)
    if parts.scheme.endswith("+ssh") and not parts.username:
        # OpenSSH would take one's own name; the plugin asks for none at all.
        raise StepFailed(
            f"{uri} names no user, whom the libvirt plugin needs: write qemu+ssh://YOU@{parts.netloc}..."
        )
    try:
        with connect(uri, seconds=20) as connection:
            pool = connection.run(lambda handle: handle.storagePoolLookupByName(POOL))
            active = connection.run(lambda _: pool.isActive())
    except NotFound:
        raise StepFailed(
            f"{uri} has no storage pool `{POOL}`. Make one there: "
            f"`virsh pool-define-as {POOL} dir --target /var/lib/libvirt/images && "
            f"virsh pool-start --build {POOL} && virsh pool-autostart {POOL}`"
        ) from None
    except HypervisorError as error:
        raise StepFailed(str(error)) from error
    if not active:
        raise StepFailed(f"the storage pool `{POOL}` of {uri} is not active: `virsh pool-start {POOL}` there")


def check_unchanged(kept: Mapping[str, str], uri: str) -> None:
    """Raise StepFailed if the main job's VMs are on another host already: they would be lost sight of."""
    before = kept.get("LIMEN_LIBVIRT_URI", uri)
    if before != uri:
        raise StepFailed(
            f"this clone's VMs are on {before}, not on {uri}: `make down` first, or go on there with "
            "`. .limen/env`"
        )


def ssh_config(uri: str, key: Path, user: str) -> str:
    """The ssh configuration that leads to guests of that host, behind its NAT too."""
    proxy = None
    with contextlib.suppress(ValueError):
        proxy = proxy_command(uri)
    way = (
        THROUGH_THE_HOST.format(proxy=proxy)
        if proxy
        else DIRECTLY.format(known_hosts=key.with_name("known_hosts"))
    )
    return f"Host *\n    User {user}\n{way}    ConnectTimeout 20\n{own_key(key)}"


def own_key(key: Path) -> str:
    """The lines that make ssh use this key and no other."""
    return f"    IdentityFile {key}\n    IdentitiesOnly yes\n"
