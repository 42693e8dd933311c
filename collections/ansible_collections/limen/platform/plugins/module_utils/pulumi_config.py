# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A stack's configuration: what is, what is wanted, and which commands lead from one to the other. Pure."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput


@dataclass
class Plan:
    """What has to be set. `plain` is a document as `pulumi config set-all --json` takes it."""

    plain: dict[str, dict[str, t.Any]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return sorted([*self.plain, *self.secrets, *self.removed])


def plan(
    current: t.Mapping[str, t.Mapping[str, t.Any]],
    config: t.Mapping[str, t.Any],
    secrets: t.Mapping[str, t.Any],
    program: str,
) -> Plan:
    """`current` is what `pulumi config --json --show-secrets` prints. A value of None takes a key away.

    Raises InvalidInput.
    """
    wanted = Plan()
    both = sorted({full_name(key, program) for key in config} & {full_name(key, program) for key in secrets})
    if both:
        raise InvalidInput(f"{both[0]} is both in config and in secrets: give it once.")
    for key, value in config.items():
        name = full_name(key, program)
        held = current.get(name)
        if value is None:
            wanted.removed += [name] if held is not None else []
        elif held is None or held.get("secret") or not _same(held, value):
            wanted.plain[name] = _entry(value)
    for key, value in secrets.items():
        name = full_name(key, program)
        held = current.get(name)
        text = _text(value)
        if value is None:
            wanted.removed += [name] if held is not None else []
        elif held is None or not held.get("secret") or held.get("value") != text:
            wanted.secrets[name] = text
    return wanted


def full_name(key: str, program: str) -> str:
    """A key without a name space is one of the program's."""
    return key if ":" in key else f"{program}:{key}"


def _same(held: t.Mapping[str, t.Any], value: t.Any) -> bool:
    if isinstance(value, (dict, list)):
        return held.get("objectValue", _loaded(held.get("value"))) == value
    return held.get("value") == _text(value)


def _entry(value: t.Any) -> dict[str, t.Any]:
    entry: dict[str, t.Any] = {"value": _text(value), "secret": False}
    if isinstance(value, (dict, list)):
        entry["objectValue"] = value
    return entry


def _text(value: t.Any) -> str:
    """As Pulumi keeps it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _loaded(text: t.Any) -> t.Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
