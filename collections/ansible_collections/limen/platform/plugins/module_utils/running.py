# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""How a module of the API runs: client in, result or one failure out.

A module's work is a function `(client, parameters, check_mode) -> Result`; only `run` exits.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils.arguments import client_for
from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError


@dataclass
class Result:
    """What came of it: `facts` are returned as they are, `before` and `after` are drawn as the diff."""

    changed: bool = False
    facts: dict[str, t.Any] = field(default_factory=dict)
    before: t.Any = None
    after: t.Any = None
    header: str | None = None
    warnings: list[str] = field(default_factory=list)
    failure: str | None = None
    """Why the task fails although something was found out, or done, that is worth returning."""


Act = t.Callable[[Client, dict[str, t.Any], bool], Result]


def run(module: AnsibleModule, act: Act) -> None:
    """Do it and exit: errors of ours become one message, never a traceback."""
    try:
        result = act(client_for(module), module.params, module.check_mode)
    except LimenError as error:
        module.fail_json(msg=str(error), **error.facts())
    for warning in result.warnings:
        module.warn(warning)
    returned = dict(result.facts, changed=result.changed)
    if module._diff and (result.before is not None or result.after is not None):
        returned["diff"] = diff_of(result)
    if result.failure is not None:
        module.fail_json(msg=result.failure, **returned)
    module.exit_json(**returned)


def diff_of(result: Result) -> dict[str, t.Any]:
    """A diff as Ansible's callbacks draw it: texts as they are, everything else as YAML-like JSON."""
    diff: dict[str, t.Any] = {
        "before": "" if result.before is None else result.before,
        "after": "" if result.after is None else result.after,
    }
    if result.header is not None:
        diff.update(before_header=result.header, after_header=result.header)
    return diff
