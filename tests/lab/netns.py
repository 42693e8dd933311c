"""The network namespace of a lab, and the veth pair between it and the machine.

Everything that libvirt does to the network (bridges, firewall rules, routes) stays in the namespace. The pair has
no route onwards: guests reach the package proxy on its near end and nothing else.
"""

import hashlib
import ipaddress
import json
import os
import subprocess
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.instance import Instance

POOL = ipaddress.ip_network("10.213.0.0/16")


def ip(*arguments: str) -> str:
    """Run iproute2's ip; raises LabError with its words."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def exists(lab: Instance) -> bool:
    """Whether the namespace is there and usable (a reboot leaves neither)."""
    return Path("/run/netns", lab.namespace).exists() and (
        subprocess.run(["ip", "netns", "exec", lab.namespace, "true"], capture_output=True, check=False).returncode == 0
    )


def addresses(lab: Instance) -> tuple[ipaddress.IPv4Interface, ipaddress.IPv4Interface]:
    """The near (machine) and the far (namespace) end of the veth pair.

    Kept in the state once chosen. Raises LabError where no free /30 is left.
    """
    kept = lab.state / "veth"
    if kept.exists():
        near, far = kept.read_text().split()
        return ipaddress.IPv4Interface(near), ipaddress.IPv4Interface(far)
    routes = [route["dst"] for route in json.loads(ip("-json", "-4", "route", "show", "table", "all"))]
    taken = [ipaddress.ip_network(dst, strict=False) for dst in routes if dst != "default"]
    start = int.from_bytes(hashlib.sha256(str(lab.state).encode()).digest()[:4])
    subnets = list(POOL.subnets(new_prefix=30))
    for offset in range(len(subnets)):
        subnet = subnets[(start + offset) % len(subnets)]
        if not any(subnet.overlaps(other) for other in taken):
            near, far = (ipaddress.IPv4Interface(f"{host}/30") for host in subnet.hosts())
            kept.write_text(f"{near} {far}\n")
            return near, far
    raise LabError(f"no free subnet of {POOL} is left for the lab: stop other labs")


def link_exists(card: str) -> bool:
    """Whether the machine has a network card of that name."""
    return Path("/sys/class/net", card).exists()


def up(lab: Instance) -> bool:
    """Make the namespace and the pair; returns whether anything had to be made."""
    changed = False
    if not exists(lab):
        if Path("/run/netns", lab.namespace).exists():
            ip("netns", "delete", lab.namespace)
        ip("netns", "add", lab.namespace)
        ip("-n", lab.namespace, "link", "set", "lo", "up")
        changed = True
    if not link_exists(lab.host_card):
        near, far = addresses(lab)
        ip("link", "add", lab.host_card, "type", "veth", "peer", "name", lab.lab_card, "netns", lab.namespace)
        ip("address", "replace", str(near), "dev", lab.host_card)
        ip("link", "set", lab.host_card, "up")
        ip("-n", lab.namespace, "address", "replace", str(far), "dev", lab.lab_card)
        ip("-n", lab.namespace, "link", "set", lab.lab_card, "up")
        ip("-n", lab.namespace, "route", "replace", "default", "via", str(near.ip))
        changed = True
    return changed


def down(lab: Instance) -> None:
    """Remove the pair and the namespace; nothing may run in it any more."""
    if link_exists(lab.host_card):
        ip("link", "delete", lab.host_card)
    if Path("/run/netns", lab.namespace).exists():
        ip("netns", "delete", lab.namespace)


def inside(lab: Instance) -> list[str]:
    """The prefix that runs a command in the namespace; needs root."""
    if os.geteuid() != 0:
        raise LabError("network namespaces need root")
    return ["ip", "netns", "exec", lab.namespace]
