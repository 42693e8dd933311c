# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Projects as declared: there or not, below which parent, with which roles."""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput, conflict
from ansible_collections.limen.platform.plugins.module_utils.names import check_project_name
from ansible_collections.limen.platform.plugins.module_utils.running import Result

Options = t.Mapping[str, t.Any]
State = dict[str, t.Any]
"""`{parent, members}` of a project that is there; None stands for one that is not."""


def ensure(client: Client, options: Options, check_mode: bool) -> Result:
    """Bring a project to what is declared. Raises LimenError before anything is changed, or from the API."""
    name = check_project_name(options["name"])
    wanted_members = {each["user"]: each["role"] for each in options["members"] or ()}
    if len(wanted_members) < len(options["members"] or ()):
        raise InvalidInput("members names a user twice: give each one role.")
    found = client.find("projects", name)
    before = None if found is None else _state(client, found, wanted_members)
    after = None if options["state"] == "absent" else _declared(options, before, wanted_members)
    warnings: list[str] = []
    if check_mode:
        warnings = _foresee(client, name, before, after)
    elif before != after:
        found = _apply(client, name, before, after)
    facts = {"project": _returned(name, found, after)}
    return Result(before != after, facts, before or {}, after or {}, f"project {name}", warnings)


def _state(client: Client, project: State, wanted_members: t.Mapping[str, str]) -> State:
    state: State = {"parent": project["parent"]}
    if wanted_members:
        # Only those named are looked at: other roles stay as they are.
        roles = {user["name"]: user["roles"].get(project["name"]) for user in client.get("users")}
        state["members"] = {user: roles.get(user) or "none" for user in sorted(wanted_members)}
    return state


def _declared(options: Options, before: State | None, wanted_members: t.Mapping[str, str]) -> State:
    if options["parent"] is not None:
        parent = options["parent"] or None
    else:
        parent = before["parent"] if before else None
    state: State = {"parent": None if parent is None else check_project_name(parent)}
    if wanted_members:
        state["members"] = dict(sorted(wanted_members.items()))
    return state


def _foresee(client: Client, name: str, before: State | None, after: State | None) -> list[str]:
    """Raise what the API would: check mode must not promise what can't be done.

    Warnings name what is missing now and may be there by then, since an earlier task would make it.
    """
    if after is None:
        if before is not None:
            _check_empty(client, name)
        return []
    warnings = []
    if after["parent"] is not None and (before is None or before["parent"] != after["parent"]):
        parent = client.find("projects", after["parent"])
        if parent is None:
            warnings.append(missing_project(after["parent"]))
        elif name in parent["chain"]:
            raise conflict(f"{after['parent']} is below {name}, or is it: choose a parent outside of {name}.")
    if after.get("members"):
        known = {user["name"] for user in client.get("users")}
        warnings += [
            f"There is no user {user} now: the task fails unless it is created before."
            for user in after["members"]
            if user not in known
        ]
    return warnings


def missing_project(name: str) -> str:
    """What check mode says of a project that an earlier task may make."""
    return (
        f"There is no project {name} now, or you have no role in it: the task fails unless it is made before."
    )


def _check_empty(client: Client, name: str) -> None:
    if any(project["parent"] == name for project in client.get("projects")):
        raise conflict(f"{name} has projects below it: delete or move them first.")
    if any(claim["items"] for claim in client.get("claims", project=name)):
        raise conflict(f"claims of {name} still hold something: release them first.")


def _apply(client: Client, name: str, before: State | None, after: State | None) -> State | None:
    if after is None:
        client.delete("projects", name)
        return None
    if before is None:
        document = {"name": name} if after["parent"] is None else {"name": name, "parent": after["parent"]}
        client.post("projects", body=document)
    elif before["parent"] != after["parent"]:
        client.patch("projects", name, body={"parent": after["parent"]})
    held = (before or {}).get("members", {})
    for user, role in after.get("members", {}).items():
        if held.get(user, "none") != role:
            client.put("projects", name, "members", user, body={"role": None if role == "none" else role})
    found: State = client.get("projects", name)
    return found


def _returned(name: str, found: State | None, after: State | None) -> State | None:
    """What is there now; in check mode what would be."""
    if after is None:
        return None
    return {**(found or {"name": name}), **after}
