"""The network namespace of a lab, and the veth pair between it and the machine.

Everything that libvirt does to the network (bridges, firewall rules, routes) stays in the namespace. Nothing
leads out of it: guests reach the package proxy on the near end of the pair and nothing else.
"""

import hashlib
import ipaddress
import json
import subprocess
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.instance import Instance

POOL = ipaddress.IPv4Network("10.213.0.0/16")
# Also guests of routed networks, whose addresses the machine does not know, reach the proxy.
MASQUERADE = ("POSTROUTING", "-j", "MASQUERADE", "-o")


def ip(*arguments: str) -> str:
    """Run iproute2's ip; raises LabError with its words."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def exists(lab: Instance) -> bool:
    """Whether the namespace is there and usable (after a reboot its name may be left, without it)."""
    argv = ["ip", "netns", "exec", lab.namespace, "true"]
    return (
        lab.namespace_file.exists() and subprocess.run(argv, capture_output=True, check=False).returncode == 0
    )


def holds(lab: Instance, pid: int) -> bool:
    """Whether a process lives in the namespace."""
    try:
        return lab.namespace_file.stat().st_ino == Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return False


def choose(taken: list[ipaddress.IPv4Network], seed: str) -> ipaddress.IPv4Network:
    """A /30 of the pool that overlaps none of `taken`; the same for the same seed where that is free.

    Raises LabError where none is left.
    """
    subnets = list(POOL.subnets(new_prefix=30))
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4])
    for offset in range(len(subnets)):
        subnet = subnets[(start + offset) % len(subnets)]
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise LabError(f"no free subnet of {POOL} is left for the lab: stop other labs")


def routed() -> list[ipaddress.IPv4Network]:
    """Every network that the machine has a route to, but for the default."""
    routes = json.loads(ip("-json", "-4", "route", "show", "table", "all"))
    return [
        ipaddress.IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"
    ]


def addresses(lab: Instance) -> tuple[ipaddress.IPv4Interface, ipaddress.IPv4Interface]:
    """The near (machine) and the far (namespace) end of the veth pair; kept in the state once chosen."""
    kept = lab.state / "veth"
    if not kept.exists():
        subnet = choose(routed(), str(lab.state))
        near, far = (f"{host}/{subnet.prefixlen}" for host in subnet.hosts())
        draft = kept.with_suffix(".draft")
        draft.write_text(f"{near} {far}\n")
        draft.replace(kept)
    near, far = kept.read_text().split()
    return ipaddress.IPv4Interface(near), ipaddress.IPv4Interface(far)


def link_exists(card: str) -> bool:
    """Whether the machine has a network card of that name."""
    return Path("/sys/class/net", card).exists()


def up(lab: Instance) -> bool:
    """Make the namespace and the pair, or what is missing of them; returns whether the namespace is new."""
    made = not exists(lab)
    if made:
        if lab.namespace_file.exists():
            ip("netns", "delete", lab.namespace)
        ip("netns", "add", lab.namespace)
    if not link_exists(lab.host_card):
        # Others may have taken the subnet since the lab ran last.
        if any(addresses(lab)[0].network.overlaps(network) for network in routed()):
            (lab.state / "veth").unlink()
        ip("link", "add", lab.host_card, "type", "veth", "peer", "name", lab.lab_card, "netns", lab.namespace)
    near, far = addresses(lab)
    inside = ("-n", lab.namespace)
    ip(*inside, "link", "set", "lo", "up")
    ip("address", "replace", str(near), "dev", lab.host_card)
    ip("link", "set", lab.host_card, "up")
    ip(*inside, "address", "replace", str(far), "dev", lab.lab_card)
    ip(*inside, "link", "set", lab.lab_card, "up")
    masquerade(lab)
    return made


def masquerade(lab: Instance) -> None:
    """Let what leaves the namespace carry its own address; raises LabError."""
    table = [*enter(lab), "iptables", "--wait", "--table", "nat"]
    rule = [*MASQUERADE, lab.lab_card]
    if subprocess.run([*table, "--check", *rule], capture_output=True, check=False).returncode != 0:
        done = subprocess.run([*table, "--append", *rule], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"iptables in {lab.namespace}: {done.stderr.strip()}")


def down(lab: Instance) -> None:
    """Remove the pair and the namespace, and those of containers."""
    if link_exists(lab.host_card):
        ip("link", "delete", lab.host_card)
    for namespace in sorted(lab.namespace_file.parent.glob(f"{lab.namespace}-*")):
        ip("netns", "delete", namespace.name)
    if lab.namespace_file.exists():
        ip("netns", "delete", lab.namespace)


def enter(lab: Instance) -> list[str]:
    """The prefix that runs a command in the namespace."""
    return ["ip", "netns", "exec", lab.namespace]
