# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Disks and cards of a VM: plugged in, grown, moved, plugged out."""

from __future__ import annotations

import hashlib
import string
import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.vm_model import (
    BUSES,
    Card,
    CardSeen,
    Disk,
    Seen,
    Wanted,
)
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible, Step

MAX_CARDS = 32


def mac_address(host: str, vm: str, index: int) -> str:
    """The address of a VM's card that has none declared: QEMU's prefix, then 24 bits that stay the same.

    They don't depend on the claim: a VM that is made again keeps its addresses.
    """
    digest = hashlib.sha256(f"{host}/{vm}/{index}".encode()).hexdigest()
    return "52:54:00:" + ":".join(digest[start : start + 2] for start in (0, 2, 4))


def seed_name(vm: str) -> str:
    """The volume of a VM's cloud-init medium."""
    return f"{vm}-seed.iso"


def free_targets(bus: str, taken: t.Iterable[str]) -> t.Iterator[str]:
    """Names for more disks on that bus, in order."""
    held = set(taken)
    letters = string.ascii_lowercase
    for name in (*letters, *(first + second for first in letters for second in letters)):
        if BUSES[bus] + name not in held:
            yield BUSES[bus] + name


def make_disk(disk: Disk) -> Step:
    return Step("make_disk", f"disk {disk.identity} of {format_amount(disk.size, 'disk')}", {"disk": disk})


def disk_steps(wanted: Wanted, seen: Seen, active: bool, after: dict[str, t.Any]) -> list[Step]:
    """Disks by volume: made and attached, or grown; one that is not declared stays as it is.

    Raises NotPossible for one that would shrink.
    """
    steps = []
    described = dict(after["disks"])
    missing = [disk for disk in wanted.disks if seen.disk(disk.volume) is None]
    taken = [*(disk.target for disk in seen.disks), *seen.live_targets]
    targets = dict(zip(missing, targets_of(missing, taken), strict=True))
    for disk in wanted.disks:
        held = seen.disk(disk.volume)
        size = described[disk.volume] = format_amount(disk.size, "disk")
        if held is None:
            target = targets[disk]
            steps.append(make_disk(disk))
            steps.append(
                Step("attach_disk", f"{disk.identity} attached as {target}", {"disk": disk, "target": target})
            )
            continue
        if held.capacity is None:
            raise NotPossible(f"Libvirt does not tell the size of {disk.identity} of {wanted.name}.")
        now = format_amount(held.capacity, "disk")
        if disk.size < held.capacity:
            raise NotPossible(
                f"The disk {disk.name} of {wanted.name} has {now} and can't shrink to {size}: "
                "what lies beyond would be lost."
            )
        if disk.size > held.capacity:
            live = active and held.target in seen.live_targets
            sentence = f"disk {disk.identity} {now} -> {size}, {'live' if live else 'offline'}"
            steps.append(Step("grow_disk", sentence, {"disk": disk, "target": held.target, "live": live}))
    after["disks"] = described
    return steps


def card_steps(wanted: Wanted, seen: Seen, host: str, after: dict[str, t.Any]) -> list[Step]:
    """Cards by address: plugged in, moved, or, if they are ones this module made, plugged out."""
    if wanted.cards is None:
        return []
    steps = []
    cards = cards_of(wanted, host)
    held = {card.mac: card for card in seen.cards}
    running = {card.mac: card for card in seen.live_cards} if seen.active else held
    described = dict(after["networks"])
    for mac, card in cards:
        described[mac] = card.place
        detail = {"mac": mac, "card": card}
        if mac not in held or mac not in running:
            steps.append(Step("attach_card", f"card {mac} on {card.place}", detail))
        elif not (_on(held[mac], card) and _on(running[mac], card)):
            steps.append(Step("move_card", f"card {mac} to {card.place}", detail))
    made = {mac_address(host, wanted.name, index) for index in range(MAX_CARDS)} - {
        mac for mac, _card in cards
    }
    for mac in sorted(made & {*held, *running}):
        described.pop(mac, None)
        steps.append(Step("detach_card", f"card {mac} out", {"mac": mac}))
    after["networks"] = described
    return steps


def _on(held: CardSeen, card: Card) -> bool:
    # A running card on a libvirt network names the network's bridge as well.
    return held.network == card.network and (card.network is not None or held.bridge == card.bridge)


def targets_of(disks: t.Sequence[Disk], taken: t.Iterable[str]) -> list[str]:
    """A free name for each disk."""
    held = set(taken)
    targets = []
    for disk in disks:
        target = next(free_targets(disk.bus, held))
        held.add(target)
        targets.append(target)
    return targets


def cards_of(wanted: Wanted, host: str) -> tuple[tuple[str, Card], ...]:
    """The declared cards with their addresses."""
    cards = enumerate(wanted.cards or ())
    return tuple((card.mac or mac_address(host, wanted.name, index), card) for index, card in cards)
