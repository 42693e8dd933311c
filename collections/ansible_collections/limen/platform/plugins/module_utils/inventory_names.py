# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Names of hosts and groups in the inventory. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import ROLE_TAG, Machine

GROUPINGS = ("project", "owner", "stack", "role", "tag", "network", "state", "hypervisor")
NAMINGS = ("name", "name_at_hypervisor", "uuid")
ALL = "limen"
"""The group of every machine."""

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*", re.ASCII)
_RESERVED = frozenset(("all", "ungrouped", "localhost", ALL))


class NameTaken(LimenError):
    """Two machines would be one host of the inventory."""


def host_names(machines: t.Sequence[Machine], naming: str) -> list[str]:
    """A name for each machine. One that Ansible would take for something else gives way to the UUID.

    Raises NameTaken, naming both machines.
    """
    taken: dict[str, Machine] = {}
    names = []
    for machine in machines:
        name = host_name(machine, naming)
        if name in taken:
            raise NameTaken(
                f"Two machines are called {name}: one at {taken[name].uri}, one at {machine.uri}. Set "
                "`host_naming` to `name_at_hypervisor` or `uuid`; two hypervisors of one name are told apart "
                "by their key `name`."
            )
        taken[name] = machine
        names.append(name)
    return names


def host_name(machine: Machine, naming: str) -> str:
    """One of `NAMINGS`."""
    wanted = {"name": machine.name, "uuid": machine.uuid}.get(naming, f"{machine.name}@{machine.hypervisor}")
    usable = _SAFE.fullmatch(wanted) and machine.name not in _RESERVED and not _is_number(wanted)
    return wanted if usable else machine.uuid


def groups(machine: Machine, groupings: t.Sequence[str]) -> dict[str, str]:
    """Groups of the machine -> what each is named after (its group may be of another name, see `merged`)."""
    found = {ALL: ALL}
    for grouping in groupings:
        for value in _values(machine, grouping):
            found[group_name(f"{grouping}_{value}")] = f"{grouping} {value}"
    return found


def group_name(text: str) -> str:
    """The text as Ansible takes it for a group: letters, digits, underscores."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def merged(named: t.Iterable[t.Mapping[str, str]]) -> dict[str, list[str]]:
    """Groups that stand for several things whose names differ only in characters that a group can't have."""
    meanings: dict[str, set[str]] = {}
    for each in named:
        for group, meaning in each.items():
            meanings.setdefault(group, set()).add(meaning)
    return {group: sorted(several) for group, several in meanings.items() if len(several) > 1}


def _values(machine: Machine, grouping: str) -> list[str]:
    if grouping == "role":
        return machine.roles
    if grouping == "tag":
        return [f"{name}_{value}" for name, value in sorted(machine.tags.items()) if name != ROLE_TAG]
    if grouping == "network":
        return sorted({card.network or card.bridge for card in machine.cards} - {""})
    if grouping in ("state", "hypervisor"):
        return [getattr(machine, grouping)]
    value = machine.hint.get(grouping, "")
    return [value] if value else []


def _is_number(text: str) -> bool:
    """What SSH or Ansible would take for an address instead of a name."""
    return bool(re.fullmatch(r"[0-9.]+", text))
