# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What has to be done so that a VM is as declared. Pure: declared and seen go in, a plan comes out."""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.vm_devices import (
    card_steps,
    cards_of,
    disk_steps,
    make_disk,
    seed_name,
    targets_of,
)
from ansible_collections.limen.platform.plugins.module_utils.vm_model import (
    Hint,
    Seen,
    Size,
    Wanted,
)
from ansible_collections.limen.platform.plugins.module_utils.vm_power import power_down, power_up
from ansible_collections.limen.platform.plugins.module_utils.vm_size import (
    described_size,
    size_steps,
    target_size,
    written,
)
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible, Plan, Step
from ansible_collections.limen.platform.plugins.module_utils.vm_xml import template_targets


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
        **described_size(size),
        "autostart": seen.autostart,
        "disks": {
            disk.volume: None if disk.capacity is None else format_amount(disk.capacity, "disk")
            for disk in seen.disks
            if disk.device == "disk"
        },
        "networks": {card.mac: card.place for card in seen.cards},
        "tags": dict(seen.tags),
    }


def _creation(wanted: Wanted, uuid: str, host: str) -> Plan:
    if wanted.vcpus is None or wanted.memory is None:
        raise NotPossible(
            f"There is no VM {wanted.name} yet: say how many vcpus and how much memory it gets."
        )
    size = Size(
        wanted.vcpus, wanted.memory, wanted.max_vcpus or wanted.vcpus, wanted.max_memory or wanted.memory
    )
    targets = targets_of(wanted.disks, template_targets(wanted.template))
    cards = cards_of(wanted, host)
    steps = [make_disk(disk) for disk in wanted.disks]
    if wanted.seed is not None:
        steps.append(Step("make_seed", "cloud-init medium", {"seed": wanted.seed}))
    steps.append(
        Step(
            "define",
            f"defined with {written(size)}",
            {"size": size, "disks": tuple(zip(targets, wanted.disks, strict=True)), "cards": cards},
        )
    )
    if wanted.autostart:
        steps.append(Step("autostart", "autostart on", {"on": True}))
    steps += power_up(wanted.state, "stopped")
    after = {
        "name": wanted.name,
        "state": "stopped" if wanted.state == "defined" else wanted.state,
        "project": wanted.project,
        **described_size(size),
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
    steps: list[Step] = power_down(wanted, seen) if stopping else []
    steps += disk_steps(wanted, seen, active, after)
    steps += card_steps(wanted, seen, host, after)
    resize, restart, notes = size_steps(wanted, seen, active, after)
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
        steps += power_down(wanted, seen)
        goal = wanted.state if wanted.state != "defined" else seen.state
        steps += power_up(goal, "stopped")
        after["state"] = goal
    elif wanted.state != "defined":
        steps += power_up(wanted.state, state)
        after["state"] = wanted.state
    return Plan(
        wanted, seen, seen.uuid, tuple(steps), before, after, target_size(seen.defined, wanted), notes
    )


def _removal(wanted: Wanted, seen: Seen | None, uuid: str) -> Plan:
    if seen is None:
        return Plan(wanted, None, uuid, (), None, None, None)
    steps = power_down(wanted, seen) if seen.active else []
    seed = seen.disk(seed_name(wanted.name))
    if seed is not None and seed.device == "cdrom":
        # Before the domain, which is what leads a second run here.
        steps.append(Step("delete_seed", "cloud-init medium deleted", {"path": seed.path}))
    if seen.defined is not None:
        steps.append(Step("undefine", "removed"))
    return Plan(wanted, seen, seen.uuid, tuple(steps), describe(seen), None, None)
