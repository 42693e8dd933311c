# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A VM as it is declared and as libvirt shows it, as values. Sizes are bytes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

KIB = 1024
MIB = 1024 * KIB
STATES = ("defined", "running", "paused", "stopped", "absent")
BUSES = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}
"""How a guest's disks are called on each bus."""


@dataclass(frozen=True)
class Disk:
    """A declared disk. `image` is the identity ("pool/volume") of what it is a layer over."""

    name: str
    pool: str
    volume: str
    size: int
    bus: str = "virtio"
    format: str = "qcow2"
    image: str | None = None

    @property
    def key(self) -> str:
        """Its key in the claim."""
        return f"disk:{self.volume.lower()}"

    @property
    def identity(self) -> str:
        """Its identity in the ledger."""
        return f"{self.pool}/{self.volume}"


@dataclass(frozen=True)
class Card:
    """A declared network card, on a libvirt network or on a bridge of the host. No `mac`: one is derived."""

    network: str | None = None
    bridge: str | None = None
    model: str = "virtio"
    mac: str | None = None

    @property
    def place(self) -> str:
        return f"network {self.network}" if self.network else f"bridge {self.bridge}"


@dataclass(frozen=True)
class Seed:
    """What cloud-init reads at the guest's first boot; never shown."""

    pool: str
    user_data: str = field(repr=False)
    meta_data: str = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """A declared VM. None leaves what is there as it is; a new VM needs sizes."""

    name: str
    project: str
    state: str
    vcpus: int | None = None
    memory: int | None = None
    max_vcpus: int | None = None
    max_memory: int | None = None
    disks: tuple[Disk, ...] = ()
    cards: tuple[Card, ...] | None = None
    autostart: bool | None = None
    tags: t.Mapping[str, str] | None = None
    seed: Seed | None = None
    machine: str | None = None
    firmware: str = "bios"
    domain_type: str = "auto"
    cpu_mode: str | None = None
    template: str | None = field(default=None, repr=False)
    allow_restart: bool = False
    force: bool = False
    shutdown_seconds: int = 120
    remove_disks: bool = False

    @property
    def key(self) -> str:
        """Its key in a new claim."""
        return f"vm:{self.name.lower()}"


@dataclass(frozen=True)
class Size:
    """vCPUs and memory of one definition, with the ceilings to which a running guest can grow."""

    vcpus: int
    memory: int
    max_vcpus: int
    max_memory: int


@dataclass(frozen=True)
class DiskSeen:
    """A disk of a domain; `volume` is the last part of its source. `capacity` None: not known."""

    path: str | None

    target: str
    volume: str
    device: str
    bus: str
    capacity: int | None = None


@dataclass(frozen=True)
class CardSeen:
    """A network card of a domain."""

    mac: str
    network: str | None
    bridge: str | None
    model: str | None

    @property
    def place(self) -> str:
        return f"network {self.network}" if self.network else f"bridge {self.bridge}"


@dataclass(frozen=True)
class Hint:
    """Limen's metadata of a domain: a hint, no proof."""

    owner: str = ""
    project: str = ""
    claim: str = ""
    key: str = ""
    stack: str = ""


@dataclass(frozen=True)
class Seen:
    """A domain. `live` is None when it is off, `defined` when it is transient."""

    uuid: str
    name: str
    state: str
    autostart: bool
    defined: Size | None
    live: Size | None
    disks: tuple[DiskSeen, ...] = ()
    cards: tuple[CardSeen, ...] = ()
    live_cards: tuple[CardSeen, ...] = ()
    live_targets: frozenset[str] = frozenset()
    hint: Hint | None = None
    tags: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.live is not None

    @property
    def size(self) -> Size:
        """What its next start will have, of a transient domain what it has."""
        found = self.defined or self.live
        if found is None:
            raise ValueError(f"the domain {self.name} has no definition")
        return found

    @property
    def held(self) -> dict[str, int]:
        """What it is charged: the larger of both definitions."""
        sizes = [size for size in (self.defined, self.live) if size]
        return {
            "vms": 1,
            "vcpus": max(size.vcpus for size in sizes),
            "memory": max(size.memory for size in sizes),
        }

    def disk(self, volume: str) -> DiskSeen | None:
        """The disk that is this volume."""
        return next((disk for disk in self.disks if disk.volume == volume), None)
