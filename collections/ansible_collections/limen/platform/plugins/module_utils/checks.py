# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Asking the quota check without charging anything."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils.amounts import (
    format_amount,
    parse_amount,
    parse_amounts,
)
from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.names import check_project_name
from ansible_collections.limen.platform.plugins.module_utils.previews import failure, questions
from ansible_collections.limen.platform.plugins.module_utils.running import Result

Options = t.Mapping[str, t.Any]
Body = dict[str, t.Any]
Decision = t.Mapping[str, t.Any]


@dataclass
class Asked:
    """What to ask; `failed` says why the preview failed that it is taken from."""

    bodies: list[Body]
    failed: str | None = None


def check(client: Client, options: Options, check_mode: bool) -> Result:
    """Whether it fits; a result that failed holds the decision. Raises LimenError if nothing was decided."""
    question = asked(options)
    decisions = [client.post("quota", "explain", body=body) for body in question.bodies]
    denied = [decision for decision in decisions if not decision["allowed"]]
    first = (denied or decisions or [None])[0]
    facts = {"allowed": not denied, "decision": first, "decisions": decisions}
    warnings = [decision["text"] for decision in decisions if decision["allowed"] and decision["warnings"]]
    message = "\n\n".join(decision["text"] for decision in denied) or None
    if question.failed and not denied:
        message = f"{question.failed}\nIt would fit by now: make the preview again."
    before, after = usage(decisions)
    return Result(False, facts, before, after, "quota", warnings, message)


def asked(options: Options) -> Asked:
    """The questions that the options amount to; raises InvalidInput."""
    project = options["project"]
    if project is not None:
        check_project_name(project)
    if options["preview"] is not None or options["preview_file"] is not None:
        preview = _preview(options)
        return Asked(questions(preview, project), failure(preview))
    if project is None:
        raise InvalidInput("project is needed with amounts and vms: name the project to ask.")
    if options["amounts"] is not None:
        amounts = parse_amounts(options["amounts"])
        if not amounts:
            raise InvalidInput("amounts names no resource: write it as {vcpus: 2, memory: 2GiB}.")
        return Asked([{"project": project, "amounts": _strings(amounts)}])
    items = [item for vm in _distinct(options["vms"]) for item in vm_items(vm)]
    if not items:
        raise InvalidInput("vms lists no VM: give at least one.")
    if options["host"] is None:
        return Asked([{"project": project, "amounts": _strings(_sum(item["amounts"] for item in items))}])
    asked_items = [{**item, "amounts": _strings(item["amounts"])} for item in items]
    return Asked([{"project": project, "host": options["host"], "items": asked_items}])


def vm_items(vm: t.Mapping[str, t.Any]) -> list[Body]:
    """The items of a claim that a VM comes to: itself and its disks, amounts in numbers; or InvalidInput."""
    name = vm["name"]
    sizes = {"vms": 1, "vcpus": vm["vcpus"], "memory": vm["memory"]}
    devices = {f"device:{model}": number for model, number in (vm["devices"] or {}).items()}
    items: list[Body] = [
        {"key": f"vm:{name}", "kind": "vm", "name": name, "amounts": parse_amounts({**sizes, **devices})}
    ]
    for number, size in enumerate(vm["disks"] or ()):
        # A question needs no real volume: its identity matters only once something is reserved.
        disk = f"{name}-{number}"
        amounts = {"disk": parse_amount(size, "disk")}
        items.append(
            {
                "key": f"disk:{disk}",
                "kind": "disk",
                "name": disk,
                "volume": f"unknown/{disk}",
                "amounts": amounts,
            }
        )
    return items


def usage(decisions: t.Iterable[Decision]) -> tuple[dict[str, str], dict[str, str]]:
    """What each scope is charged before and after, as a person writes amounts; for the diff."""
    before, after = {}, {}
    for decision in decisions:
        for line in decision["lines"]:
            what = f"{line['scope_kind']} {line['scope']} {line['resource']}"
            held = int(line["used"]) + int(line["reserved"])
            before[what] = format_amount(held, line["resource"])
            if line["after"] is None:
                after[what] = "unknown"
            else:
                grown = held - int(line["before"]) + int(line["after"])
                after[what] = format_amount(grown, line["resource"])
    return before, after


def _preview(options: Options) -> t.Any:
    text = options["preview"]
    if text is None:
        path = options["preview_file"]
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise InvalidInput(f"preview_file {path} can't be read: {reason}.") from None
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            f"The preview is not JSON ({error}): make it with `pulumi preview --json`, standard output only."
        ) from None


def _distinct(vms: t.Sequence[Body]) -> t.Sequence[Body]:
    names = [vm["name"] for vm in vms]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"vms names {', '.join(twice)} more than once: give each VM a name of its own.")
    return vms


def _sum(amounts: t.Iterable[t.Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in amounts:
        for resource, amount in each.items():
            total[resource] = total.get(resource, 0) + amount
    return total


def _strings(amounts: t.Mapping[str, int]) -> dict[str, str]:
    return {resource: str(amount) for resource, amount in amounts.items()}
