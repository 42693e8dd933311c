# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""From one size of a VM to another: what goes live, what needs a restart."""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Seen, Size, Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import Step


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


def size_steps(
    wanted: Wanted, seen: Seen, active: bool, after: dict[str, t.Any]
) -> tuple[list[Step], bool, tuple[str, ...]]:
    """The steps, whether a restart has to follow them, and notes on what has to wait for one."""
    defined = seen.size
    if not (wanted.vcpus or wanted.memory):
        return [], False, ()
    size = target_size(defined, wanted)
    for ceiling in ("max_vcpus", "max_memory"):
        after.pop(ceiling, None)
    after.update(described_size(size))
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
        sentence = f"{written(defined)} -> {written(size)}, {way}"
        steps.append(Step("resize", sentence, {"size": size, "live": live if changes_live else None}))
    if must_restart and not wanted.allow_restart:
        note = (
            f"{wanted.name} can't get {written(size)} while it runs: they wait for its next start. "
            "Set allow_restart to have it restarted."
        )
        return steps, False, (note,)
    return steps, must_restart, ()


def described_size(size: Size) -> dict[str, t.Any]:
    """A size as results and diffs show it."""
    described: dict[str, t.Any] = {"vcpus": size.vcpus, "memory": _bytes(size.memory)}
    if size.max_vcpus != size.vcpus:
        described["max_vcpus"] = size.max_vcpus
    if size.max_memory != size.memory:
        described["max_memory"] = _bytes(size.max_memory)
    return described


def written(size: Size) -> str:
    """A size in a sentence."""
    return f"{size.vcpus} vcpus, {_bytes(size.memory)} of memory"


def _bytes(amount: int) -> str:
    return format_amount(amount, "memory")
