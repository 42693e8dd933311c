"""What the stack may look like: configurations that the rounds move between."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.lab import image
from tests.world import guests
from tests.world.world import World

BOOTED_LIMITS = {"vms": "3", "vcpus": "3", "memory": "1GiB", "disk": "9GiB", "networks": "2"}


@dataclass(frozen=True)
class Plan:
    """`vms` VMs, on one network or with a second one, with a data disk or without; 0 VMs: an empty stack."""

    vms: int
    second_network: bool
    disk: bool

    def __str__(self) -> str:
        more = [", a second network"] * self.second_network + [", a data disk"] * self.disk
        return f"{self.vms} VM{'' if self.vms == 1 else 's'}{''.join(more)}"


EMPTY = Plan(0, False, False)


def draw(chance: random.Random, current: Plan, most: int) -> Plan:
    """A plan other than the current one, with up to `most` VMs."""
    while True:
        vms = chance.randint(0, most)
        drawn = EMPTY if vms == 0 else Plan(vms, chance.random() < 0.5, chance.random() < 0.5)
        if drawn != current:
            return drawn


def document(world: World, plan: Plan, vm: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The plan as configuration; `vm` makes an entry of `vms` with these fields changed."""
    if plan == EMPTY:
        return {"images": {}, "networks": {}, "vms": {}}
    names = ("lan", "dmz") if plan.second_network else ("lan",)
    vms = {f"web-{number}": vm() for number in range(1, plan.vms + 1)}
    disks = {"data": {"size": "8MiB", "keep": False}} if plan.disk else {}
    return world.document(vms, networks=guests.networks(60, *names), disks=disks)


def booted(world: World, plan: Plan) -> dict[str, Any]:
    """The plan with VMs that boot Debian to an address."""
    built = image.build()
    made = document(world, plan, booting_vm)
    if plan != EMPTY:
        made["images"] = {
            "debian": {
                "source": built.disk,
                "sha256": built.sha256,
                "kernel": built.kernel,
                "initrd": built.initrd,
                "cmdline": "root=/dev/vda rw console=ttyS0 quiet",
            }
        }
        if plan.disk:
            # A guest that halts could not let go of it.
            made["vms"]["web-1"]["disks"] = ["data"]
        made["networks"] = {name: {**entry, "mode": "nat"} for name, entry in made["networks"].items()}
    return made


def booting_vm(**changes: Any) -> dict[str, Any]:
    """A VM that boots the lab's image."""
    return {
        "vcpus": 1,
        "memory": "256MiB",
        "image": "debian",
        "disk": "2GiB",
        "networks": ["lan"],
        "autostart": False,
        "shutdown_seconds": 0,
        **changes,
    }


def idle(world: World, plan: Plan) -> dict[str, Any]:
    """The plan with VMs that halt at once."""
    return document(world, plan, guests.vm)
