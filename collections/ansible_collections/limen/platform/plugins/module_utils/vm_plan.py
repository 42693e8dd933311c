# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What has to be done so that a VM is as declared. Pure: declared and seen go in, a plan comes out."""

from __future__ import annotations

import hashlib
import string
import typing as t
from dataclasses import dataclass, field

from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.vm_model import (
    BUSES,
    Card,
    CardSeen,
    Disk,
    Hint,
    Seen,
    Size,
    Wanted,
)
from ansible_collections.limen.platform.plugins.module_utils.vm_xml import template_targets

MAX_CARDS = 32
POWER = ("start", "start_paused", "resume", "suspend", "shut_down")
"""Actions that leave the domain's definition alone."""
UNGATED = ("suspend", "shut_down", "undefine", "delete_seed", "hint", "tags", "autostart")
"""Actions that give up or label what is held; every other is admitted first."""


class NotPossible(InvalidInput):
    """What is declared can't be reached from what is there, or only by means that were not allowed."""


@dataclass(frozen=True)
class Step:
    """One change: what is done, with what, and how a person reads it."""

    action: str
    sentence: str
    with_: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Plan:
    """The steps from `seen` to `wanted`, and the VM's description before and after them.

    `size` is what the VM will hold; None where it goes. `notes` are warnings on what has to wait.
    """

    wanted: Wanted
    seen: Seen | None
    uuid: str
    steps: tuple[Step, ...]
    before: dict[str, t.Any] | None
    after: dict[str, t.Any] | None
    size: Size | None
    notes: tuple[str, ...] = ()

    @property
    def gated(self) -> bool:
        """Whether it has to be admitted before anything is touched."""
        return any(step.action not in UNGATED for step in self.steps)

    @property
    def only_power(self) -> bool:
        return all(step.action in POWER for step in self.steps)

    @property
    def new_disks(self) -> tuple[Disk, ...]:
        return tuple(step.with_["disk"] for step in self.steps if step.action == "make_disk")


def plan(wanted: Wanted, seen: Seen | None, uuid: str, host: str, hint: Hint | None = None) -> Plan:
    """Raises NotPossible, before anything is touched.

    `uuid` is the VM's identity, `host` its host's; `hint` what its metadata has to say, None to leave
    that alone.
    """
    if wanted.state == "absent":
        return _removal(wanted, seen, uuid)
    if seen is None:
        return _creation(wanted, uuid, host)
    return _change(wanted, seen, host, hint)


def describe(seen: Seen) -> dict[str, t.Any]:
    """A VM as results and diffs show it."""
    size = seen.size
    return {
        "name": seen.name,
        "state": seen.state,
        "project": seen.hint.project if seen.hint else None,
        **_described_size(size),
        "autostart": seen.autostart,
        "disks": {
            disk.volume: None if disk.capacity is None else format_amount(disk.capacity, "disk")
            for disk in seen.disks
            if disk.device == "disk"
        },
        "networks": {card.mac: card.place for card in seen.cards},
        "tags": dict(seen.tags),
    }


def mac_address(host: str, vm: str, index: int) -> str:
    """The address of a VM's card that has none declared: QEMU's prefix, then 24 bits that stay the same.

    They don't depend on the claim: a VM that is made again keeps its addresses.
    """
    digest = hashlib.sha256(f"{host}/{vm}/{index}".encode()).hexdigest()
    return "52:54:00:" + ":".join(digest[start : start + 2] for start in (0, 2, 4))


def seed_name(vm: str) -> str:
    """The volume of a VM's cloud-init medium."""
    return f"{vm}-seed.iso"


def target_size(defined: Size, wanted: Wanted) -> Size:
    """The definition to aim at.

    A ceiling that is not declared stays while there is headroom below it; a definition at its ceiling has
    none to speak of, and there the ceiling follows the size, up and down.
    """
    vcpus, memory = wanted.vcpus or defined.vcpus, wanted.memory or defined.memory
    max_vcpus, max_memory = wanted.max_vcpus, wanted.max_memory
    if max_vcpus is None:
        max_vcpus = defined.max_vcpus if defined.max_vcpus > defined.vcpus else vcpus
    if max_memory is None:
        max_memory = defined.max_memory if defined.max_memory > defined.memory else memory
    return Size(vcpus, memory, max(vcpus, max_vcpus), max(memory, max_memory))


def needs_restart(live: Size, size: Size) -> bool:
    """Whether a running guest can't get to `size`: above its ceilings, or a vCPU that was there at boot."""
    return size.vcpus > live.max_vcpus or size.memory > live.max_memory or size.vcpus < live.vcpus


def free_targets(bus: str, taken: t.Iterable[str]) -> t.Iterator[str]:
    """Names for more disks on that bus, in order."""
    held = set(taken)
    letters = string.ascii_lowercase
    for name in (*letters, *(first + second for first in letters for second in letters)):
        if BUSES[bus] + name not in held:
            yield BUSES[bus] + name


def _creation(wanted: Wanted, uuid: str, host: str) -> Plan:
    if wanted.vcpus is None or wanted.memory is None:
        raise NotPossible(
            f"There is no VM {wanted.name} yet: say how many vcpus and how much memory it gets."
        )
    size = Size(
        wanted.vcpus, wanted.memory, wanted.max_vcpus or wanted.vcpus, wanted.max_memory or wanted.memory
    )
    targets = _targets(wanted.disks, template_targets(wanted.template))
    cards = _cards(wanted, host)
    steps = [
        Step("make_disk", f"disk {disk.identity} of {_bytes(disk.size)}", {"disk": disk})
        for disk in wanted.disks
    ]
    if wanted.seed is not None:
        steps.append(Step("make_seed", "cloud-init medium", {"seed": wanted.seed}))
    steps.append(
        Step(
            "define",
            f"defined with {_written(size)}",
            {"size": size, "disks": tuple(zip(targets, wanted.disks, strict=True)), "cards": cards},
        )
    )
    if wanted.autostart:
        steps.append(Step("autostart", "autostart on", {"on": True}))
    steps += _power_up(wanted.state, "stopped")
    after = {
        "name": wanted.name,
        "state": "stopped" if wanted.state == "defined" else wanted.state,
        "project": wanted.project,
        **_described_size(size),
        "autostart": bool(wanted.autostart),
        "disks": {disk.volume: format_amount(disk.size, "disk") for disk in wanted.disks},
        "networks": {mac: card.place for mac, card in cards},
        "tags": dict(wanted.tags or {}),
    }
    return Plan(wanted, None, uuid, tuple(steps), None, after, size)


def _change(wanted: Wanted, seen: Seen, host: str, hint: Hint | None) -> Plan:
    before = describe(seen)
    after = dict(before)
    if seen.defined is None:
        raise NotPossible(
            f"The domain {seen.name} is transient: it has no definition that could be kept as declared."
        )
    stopping = seen.active and wanted.state == "stopped"
    active = seen.active and not stopping
    steps: list[Step] = _power_down(wanted, seen) if stopping else []
    steps += _disk_steps(wanted, seen, active, after)
    steps += _card_steps(wanted, seen, host, after)
    resize, restart, notes = _size_steps(wanted, seen, active, after)
    steps += resize
    if hint is not None and hint != seen.hint:
        after["project"] = hint.project
        steps.append(Step("hint", "metadata written", {"hint": hint}))
    if wanted.tags is not None and dict(wanted.tags) != dict(seen.tags):
        after["tags"] = dict(wanted.tags)
        steps.append(Step("tags", "tags written", {"tags": wanted.tags}))
    if wanted.autostart is not None and wanted.autostart != seen.autostart:
        after["autostart"] = wanted.autostart
        steps.append(
            Step("autostart", f"autostart {'on' if wanted.autostart else 'off'}", {"on": wanted.autostart})
        )
    state = "stopped" if stopping else seen.state
    if restart:
        steps += _power_down(wanted, seen)
        goal = wanted.state if wanted.state != "defined" else seen.state
        steps += _power_up(goal, "stopped")
        after["state"] = goal
    elif wanted.state != "defined":
        steps += _power_up(wanted.state, state)
        after["state"] = wanted.state
    return Plan(
        wanted, seen, seen.uuid, tuple(steps), before, after, target_size(seen.defined, wanted), notes
    )


def _removal(wanted: Wanted, seen: Seen | None, uuid: str) -> Plan:
    if seen is None:
        return Plan(wanted, None, uuid, (), None, None, None)
    steps = _power_down(wanted, seen) if seen.active else []
    seed = seen.disk(seed_name(wanted.name))
    if seed is not None and seed.device == "cdrom":
        # Before the domain, which is what leads a second run here.
        steps.append(Step("delete_seed", "cloud-init medium deleted", {"path": seed.path}))
    if seen.defined is not None:
        steps.append(Step("undefine", "removed"))
    return Plan(wanted, seen, seen.uuid, tuple(steps), describe(seen), None, None)


def _size_steps(
    wanted: Wanted, seen: Seen, active: bool, after: dict[str, t.Any]
) -> tuple[list[Step], bool, tuple[str, ...]]:
    """The steps, whether a restart has to follow them, and notes on what has to wait for one."""
    defined = seen.size
    if not (wanted.vcpus or wanted.memory):
        return [], False, ()
    size = target_size(defined, wanted)
    for ceiling in ("max_vcpus", "max_memory"):
        after.pop(ceiling, None)
    after.update(_described_size(size))
    live = seen.live if active else None
    must_restart = live is not None and needs_restart(live, size)
    changes_live = (
        live is not None
        and not must_restart
        and (
            size.vcpus != live.vcpus
            or (size.memory != live.memory and size != defined)
            or size.memory > live.memory
        )
    )
    if size == defined and not changes_live and not must_restart:
        # Where the balloon has not got down there yet, asking again changes nothing: the guest's affair.
        return [], False, ()
    steps = []
    way = "live" if changes_live else "with a restart" if must_restart and wanted.allow_restart else "offline"
    if live is not None and way == "offline":
        way = "at its next start"
    if size != defined or changes_live:
        sentence = f"{_written(defined)} -> {_written(size)}, {way}"
        steps.append(Step("resize", sentence, {"size": size, "live": live if changes_live else None}))
    if must_restart and not wanted.allow_restart:
        note = (
            f"{wanted.name} can't get {_written(size)} while it runs: they wait for its next start. "
            "Set allow_restart to have it restarted."
        )
        return steps, False, (note,)
    return steps, must_restart, ()


def _disk_steps(wanted: Wanted, seen: Seen, active: bool, after: dict[str, t.Any]) -> list[Step]:
    steps = []
    described = dict(after["disks"])
    missing = [disk for disk in wanted.disks if seen.disk(disk.volume) is None]
    taken = [*(disk.target for disk in seen.disks), *seen.live_targets]
    targets = dict(zip(missing, _targets(missing, taken), strict=True))
    for disk in wanted.disks:
        held = seen.disk(disk.volume)
        described[disk.volume] = format_amount(disk.size, "disk")
        if held is None:
            target = targets[disk]
            steps.append(Step("make_disk", f"disk {disk.identity} of {_bytes(disk.size)}", {"disk": disk}))
            steps.append(
                Step("attach_disk", f"{disk.identity} attached as {target}", {"disk": disk, "target": target})
            )
            continue
        if held.capacity is None:
            raise NotPossible(f"Libvirt does not tell the size of {disk.identity} of {wanted.name}.")
        if disk.size < held.capacity:
            raise NotPossible(
                f"The disk {disk.name} of {wanted.name} has {_bytes(held.capacity)} and can't shrink to "
                f"{_bytes(disk.size)}: what lies beyond would be lost."
            )
        if disk.size > held.capacity:
            live = active and held.target in seen.live_targets
            sentence = f"disk {disk.identity} {_bytes(held.capacity)} -> {_bytes(disk.size)}, " + (
                "live" if live else "offline"
            )
            steps.append(Step("grow_disk", sentence, {"disk": disk, "target": held.target, "live": live}))
    after["disks"] = described
    return steps


def _card_steps(wanted: Wanted, seen: Seen, host: str, after: dict[str, t.Any]) -> list[Step]:
    """Cards by address: plugged in, moved, or, if they are ones this module made, plugged out."""
    if wanted.cards is None:
        return []
    steps = []
    cards = _cards(wanted, host)
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


def _power_up(state: str, now: str) -> list[Step]:
    """From `now` to running or paused; nothing for the other states."""
    if state == "running" and now == "paused":
        return [Step("resume", "resumed")]
    if state == "running" and now == "stopped":
        return [Step("start", "started")]
    if state == "paused" and now == "running":
        return [Step("suspend", "paused")]
    if state == "paused" and now == "stopped":
        return [Step("start_paused", "started, paused")]
    return []


def _power_down(wanted: Wanted, seen: Seen) -> list[Step]:
    if seen.state == "paused" and not wanted.force:
        raise NotPossible(
            f"{wanted.name} is paused and can't hear the request to shut down: set force to power it off, "
            "which loses what it has not written, or resume it first."
        )
    seconds = 0 if seen.state == "paused" else wanted.shutdown_seconds
    sentence = "powered off" if not seconds else "shut down"
    if seconds and wanted.force:
        sentence += f", by force after {seconds} s"
    return [Step("shut_down", sentence, {"seconds": seconds, "force": wanted.force})]


def _targets(disks: t.Sequence[Disk], taken: t.Iterable[str]) -> list[str]:
    held = set(taken)
    targets = []
    for disk in disks:
        target = next(free_targets(disk.bus, held))
        held.add(target)
        targets.append(target)
    return targets


def _cards(wanted: Wanted, host: str) -> tuple[tuple[str, Card], ...]:
    cards = enumerate(wanted.cards or ())
    return tuple((card.mac or mac_address(host, wanted.name, index), card) for index, card in cards)


def _described_size(size: Size) -> dict[str, t.Any]:
    described: dict[str, t.Any] = {"vcpus": size.vcpus, "memory": _bytes(size.memory)}
    if size.max_vcpus != size.vcpus:
        described["max_vcpus"] = size.max_vcpus
    if size.max_memory != size.memory:
        described["max_memory"] = _bytes(size.max_memory)
    return described


def _written(size: Size) -> str:
    return f"{size.vcpus} vcpus, {_bytes(size.memory)} of memory"


def _bytes(amount: int) -> str:
    return format_amount(amount, "memory")
