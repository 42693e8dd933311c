"""A small world to race in: trees of projects with limits, hosts, and requests."""

import random
from uuid import UUID, uuid4, uuid5

from limen.ledger import Ledger
from limen.ledger.values import ClaimRequest, Fingerprint, ItemRequest, Owner
from limen.quota.model import UNLIMITED, Limit

GIB = 2**30
RESOURCES = ("vms", "vcpus", "memory", "disk")
FINGERPRINT = Fingerprint("file:///state", "vm_stack", "dev")
_NAMES = UUID("5e0a8f0b-9a0e-4b70-9d0c-7f6f6d0f3b52")


def host_id(number: int) -> UUID:
    """The id of the host of that number."""
    return uuid5(_NAMES, f"host {number}")


def limits(vms: int) -> dict[str, Limit | None]:
    """Limits that `vms` machines of one vCPU, 1 GiB and 10 GiB of disk just fit in."""
    return {
        "vms": Limit(vms),
        "vcpus": Limit(vms),
        "memory": Limit(vms * GIB),
        "disk": Limit(vms * 10 * GIB),
    }


def add_host(ledger: Ledger, number: int = 0, vms: int = 1000) -> UUID:
    """A host with room for so many machines."""
    capacity = {"vcpus": vms, "memory": vms * GIB, "disk": vms * 10 * GIB}
    ledger.hosts.add(host_id(number), f"test:///{number}", f"host-{number}", capacity, "ada")
    return host_id(number)


def plant(ledger: Ledger, trees: int, leaf_vms: int, root_vms: int, middle_vms: int) -> list[str]:
    """Trees of a root, two middles (one explicitly unlimited) and two leaves each; the leaves' names."""
    leaves = []
    for tree in range(trees):
        root = f"t{tree}"
        ledger.projects.create(root, None, "ada")
        ledger.limits.put(root, limits(root_vms), "ada")
        for side in ("a", "b"):
            middle = f"{root}-{side}"
            ledger.projects.create(middle, root, "ada")
            open_middle: dict[str, Limit | None] = {resource: Limit(UNLIMITED) for resource in RESOURCES}
            ledger.limits.put(middle, limits(middle_vms) if side == "a" else open_middle, "ada")
            for number in range(2):
                leaf = f"{middle}{number}"
                ledger.projects.create(leaf, middle, "ada")
                ledger.limits.put(leaf, limits(leaf_vms), "ada")
                leaves.append(leaf)
    return leaves


def request(
    project: str, host: UUID, vms: int = 1, *, claim: UUID | None = None, memory: int = GIB, first: int = 0
) -> ClaimRequest:
    """A claim of `vms` machines with a disk each."""
    claim = claim or uuid4()
    items = []
    for number in range(first, first + vms):
        items.append(
            ItemRequest(f"vm:web-{number}", "vm", f"web-{number}", {"vms": 1, "vcpus": 1, "memory": memory})
        )
        volume = f"default/{claim}-{number}"
        items.append(
            ItemRequest(f"disk:web-{number}", "disk", f"web-{number}", {"disk": 10 * GIB}, volume=volume)
        )
    return ClaimRequest(claim, project, Owner("stack", "dev"), FINGERPRINT, host, tuple(items))


def pick(number: random.Random, names: list[str]) -> str:
    """One of the names."""
    return names[number.randrange(len(names))]
