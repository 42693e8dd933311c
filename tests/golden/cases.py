"""Previews of the golden reports: what is asked of the real engine, and what it must come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.demo.layout import ROOT
from tests.world import guests
from tests.world.world import World

PROJECT = "golden"
LIMITS = {"vms": "2", "vcpus": "4", "memory": "256MiB", "disk": "64MiB", "networks": "2"}
UNKNOWN = Path(__file__).with_name("unknown_program")
_POLICY = (
    *("--policy-pack", str(ROOT / "pulumi" / "policy")),
    *("--policy-pack-config", str(Path(__file__).with_name("policies.json"))),
)
_NUMBER = 77


@dataclass(frozen=True)
class Case:
    """One preview. `built` ones are of a stack that is there: of `BUILT`.

    `vm`, `disks` and `networks` are how its specification differs from `BUILT`; `code` is the exit code that
    `limen preview-report` must end with.
    """

    name: str
    code: int
    built: bool = False
    vm: Mapping[str, Any] = field(default_factory=dict)
    disks: Mapping[str, Any] | None = None
    networks: tuple[str, ...] = ("lan",)
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    unknown: bool = False
    """Whether it previews the program with a size that is not known yet, not the default one."""

    def document(self, world: World) -> dict[str, Any]:
        """The configuration of the stack that is previewed."""
        if self.unknown:
            image = guests.image(world.image)
            return {
                "host": world.host,
                "uri": world.uri,
                "image": image["source"],
                "sha256": image["sha256"],
                "bound": "true",
            }
        return document(world, self.vm, self.disks, self.networks)


def document(
    world: World,
    vm: Mapping[str, Any] | None = None,
    disks: Mapping[str, Any] | None = None,
    networks: tuple[str, ...] = ("lan",),
) -> dict[str, Any]:
    """An idle VM with a data disk, changed like that."""
    data = {"data": {"size": "8MiB", "keep": False}} if disks is None else dict(disks)
    web = guests.vm(**{"disks": ["data"], **(vm or {})})
    return world.document({"web": web}, disks=data, networks=guests.networks(_NUMBER, *networks))


CASES = (
    Case("admitted", 0),
    Case("refused", 3, vm={"memory": "1GiB", "vcpus": 16}),
    # Nobody listens there: what the provider says is the same on every machine.
    Case("provider-failure", 1, environment={"LIMEN_API_URL": "https://127.0.0.1:1"}),
    Case("policy-violation", 4, options=_POLICY),
    Case("unknown-size", 0, unknown=True),
    Case(
        "in-place",
        0,
        built=True,
        vm={
            "memory": "128MiB",
            "vcpus": 2,
            "disk": "16MiB",
            "networks": ["lan", "dmz"],
            "tags": {"role": "web"},
        },
        networks=("lan", "dmz"),
    ),
    Case("replace", 0, built=True, vm={"vnc": True}),
    Case("data-loss", 0, built=True, vm={"rebuild": 1, "memory": "32MiB", "disks": []}, disks={}),
)
