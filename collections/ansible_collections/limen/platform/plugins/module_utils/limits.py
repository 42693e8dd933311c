# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Limits and per-VM bounds of a project as declared.

Everything is checked before anything is sent, since limits and bounds are two requests.
"""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import (
    check_resource,
    format_amount,
    format_duration,
    format_limit,
    parse_amount,
    parse_duration,
    parse_limit,
)
from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.names import check_project_name
from ansible_collections.limen.platform.plugins.module_utils.projects import missing_project
from ansible_collections.limen.platform.plugins.module_utils.running import Result

Options = t.Mapping[str, t.Any]
Entry = dict[str, t.Any]
Entries = dict[str, "Entry | None"]
"""By resource, in numbers; None: none set."""

_SIDES = ("minimum", "maximum", "default")


def ensure(client: Client, options: Options, check_mode: bool) -> Result:
    """Bring limits and bounds to what is declared. Raises LimenError before anything is changed."""
    project = check_project_name(options["project"])
    limits = wanted(options["limits"] or (), wanted_limit, "limits")
    bounds = wanted(options["bounds"] or (), wanted_bounds, "bounds")
    warnings: list[str] = []
    if check_mode and client.find("projects", project) is None:
        quota: t.Any = {"resources": [], "own_bounds": {}}
        warnings.append(missing_project(project))
    else:
        quota = client.get("projects", project, "quota")
    held_limits, held_bounds = current_limits(quota), current_bounds(quota)
    if options["purge"]:
        limits = {**dict.fromkeys(held_limits), **limits}
        bounds = {**dict.fromkeys(held_bounds), **bounds}
    new_limits, new_bounds = differing(held_limits, limits), differing(held_bounds, bounds)
    if not check_mode:
        if new_limits:
            sent = {resource: _limit_body(entry) for resource, entry in new_limits.items()}
            client.put("projects", project, "limits", body={"limits": sent})
        if new_bounds:
            between = {resource: _bounds_body(entry) for resource, entry in new_bounds.items()}
            client.put("projects", project, "bounds", body={"bounds": between})
    before = written(_of(new_limits, held_limits), _of(new_bounds, held_bounds))
    after = written(new_limits, new_bounds)
    facts = {"project": project, **written({**held_limits, **new_limits}, {**held_bounds, **new_bounds})}
    return Result(bool(new_limits or new_bounds), facts, before, after, f"quota of {project}", warnings)


def wanted(entries: t.Iterable[Entry], read: t.Callable[[Entry], Entry], what: str) -> Entries:
    """Declared entries by resource; raises InvalidInput for the first that can't be right."""
    found: Entries = {}
    for entry in entries:
        resource = check_resource(entry["resource"])
        if resource in found:
            raise InvalidInput(f"{what} names {resource} twice: give it one entry.")
        found[resource] = None if entry["state"] == "absent" else read(entry)
    return found


def wanted_limit(entry: Entry) -> Entry:
    resource = entry["resource"]
    if entry["hard"] is None:
        raise InvalidInput(f"The limit of {resource} needs hard, an amount or unlimited; or state absent.")
    hard = parse_limit(entry["hard"], resource)
    soft = None if entry["soft"] is None else parse_amount(entry["soft"], resource)
    grace = None if entry["grace"] is None else parse_duration(entry["grace"])
    if soft is not None and isinstance(hard, int) and soft > hard:
        raise InvalidInput(
            f"The soft limit of {resource} is above the hard one: lower it, or raise the hard one."
        )
    if grace is not None and soft is None:
        raise InvalidInput(f"The grace period of {resource} needs a soft limit: set one, or leave grace out.")
    return {"hard": hard, "soft": soft, "grace": grace}


def wanted_bounds(entry: Entry) -> Entry:
    resource = entry["resource"]
    sides = {side: None if entry[side] is None else parse_amount(entry[side], resource) for side in _SIDES}
    given = [
        amount for amount in (sides["minimum"], sides["default"], sides["maximum"]) if amount is not None
    ]
    if not given:
        raise InvalidInput(f"The bounds of {resource} need a minimum, maximum or default; or state absent.")
    if given != sorted(given):
        raise InvalidInput(f"The bounds of {resource} must be minimum <= default <= maximum.")
    return sides


def current_limits(quota: t.Mapping[str, t.Any]) -> Entries:
    """The limits of a quota document; a resource that is charged without a limit has none."""
    return {
        each["resource"]: {
            "hard": parse_limit(each["hard"], each["resource"]),
            "soft": None if each["soft"] is None else int(each["soft"]),
            "grace": each["grace_seconds"],
        }
        for each in quota["resources"]
        if each["hard"] is not None
    }


def current_bounds(quota: t.Mapping[str, t.Any]) -> Entries:
    """The bounds set on the project itself, not those of its ancestors."""
    return {
        resource: {side: None if bounds[side] is None else int(bounds[side]) for side in _SIDES}
        for resource, bounds in quota["own_bounds"].items()
    }


def differing(held: Entries, declared: Entries) -> Entries:
    """What has to be sent: declared and not so already."""
    return {resource: entry for resource, entry in declared.items() if held.get(resource) != entry}


def _of(changed: Entries, held: Entries) -> Entries:
    """What is held of the resources that change: a diff shows no others."""
    return {resource: held.get(resource) for resource in changed}


def written(limits: Entries, bounds: Entries) -> dict[str, dict[str, dict[str, str]]]:
    """Limits and bounds as a person writes them, for results and diffs."""
    return {
        "limits": {name: _written_limit(name, each) for name, each in sorted(limits.items()) if each},
        "bounds": {name: _written_bounds(name, each) for name, each in sorted(bounds.items()) if each},
    }


def _written_limit(resource: str, limit: Entry) -> dict[str, str]:
    text = {"hard": format_limit(limit["hard"], resource)}
    if limit["soft"] is not None:
        text["soft"] = format_amount(limit["soft"], resource)
    if limit["grace"] is not None:
        text["grace"] = format_duration(limit["grace"])
    return text


def _written_bounds(resource: str, bounds: Entry) -> dict[str, str]:
    return {side: format_amount(each, resource) for side, each in bounds.items() if each is not None}


def _limit_body(limit: Entry | None) -> Entry:
    if limit is None:
        return {"hard": None}
    soft = None if limit["soft"] is None else str(limit["soft"])
    return {"hard": str(limit["hard"]), "soft": soft, "grace_seconds": limit["grace"]}


def _bounds_body(bounds: Entry | None) -> Entry | None:
    if bounds is None:
        return None
    return {side: None if amount is None else str(amount) for side, amount in bounds.items()}
