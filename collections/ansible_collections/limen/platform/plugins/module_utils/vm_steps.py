# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What a plan for a VM is made of."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Disk, Seen, Size, Wanted

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
