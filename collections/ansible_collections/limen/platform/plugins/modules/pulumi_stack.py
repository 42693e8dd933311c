#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring a Pulumi stack into a state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pulumi_stack
short_description: Create, change, preview, refresh, destroy or recover a Pulumi stack
version_added: 0.1.0
description:
  - Runs a Pulumi program by the Pulumi CLI. The stack is made if there is none, configured, and updated.
  - A stack that does not fit into its project's quota is refused before anything is touched. The task then
    fails with the decision as data and its explanation as text.
  - While it waits, what the engine does is shown line by line on standard error, where the task runs on the
    controller itself without becoming another user.
author:
  - Limen contributors (@limen)
requirements:
  - the Pulumi CLI with the plugins that the program needs (role C(pulumi))
  - the command C(limen), for O(state=recovered)
attributes:
  check_mode:
    support: full
    description: >-
      Check mode is a preview. Not even a stack or a configuration file is written; a stack that is not
      there yet is previewed in a backend that is thrown away. O(state=recovered) is skipped.
  diff_mode:
    support: full
    description: The diff is that of the resources. Secrets are not shown in it.
options:
  project_dir:
    description: Folder of the Pulumi program, the one with C(Pulumi.yaml).
    type: path
    required: true
  stack:
    description: Name of the stack.
    type: str
    required: true
  state:
    description:
      - V(present) creates the stack if there is none, sets its configuration, and runs C(pulumi up).
      - V(previewed) only looks at what V(present) would do, and never reports a change.
      - V(refreshed) brings the state up to date with the world.
      - V(absent) destroys all that the stack holds. With O(remove), the stack itself goes as well.
      - V(recovered) unlocks the stack, and brings state, ledger and host together after a killed run.
    type: str
    choices: [present, previewed, refreshed, absent, recovered]
    default: present
  config:
    description:
      - Configuration values by key. A key without a name space is one of the program's.
      - Mappings and lists are kept as such. A value of null takes the key away.
      - Keys that are not named stay as they are.
    type: dict
    default: {}
  secrets:
    description:
      - Secret configuration values by key, kept encrypted. They are given to the CLI by standard input.
      - A value of null takes the key away.
    type: dict
    default: {}
  remove:
    description: Whether O(state=absent) also takes the stack off its backend. Its configuration file stays.
    type: bool
    default: false
  refresh:
    description: Whether the state is brought up to date first.
    type: bool
    default: false
  targets:
    description:
      - URNs of the only resources to be updated. The quota check decides about the whole stack all the same.
    type: list
    elements: str
    default: []
  parallel:
    description: How many resource operations may run at the same time. Default is the CLI's.
    type: int
  update_message:
    description: A message that is kept in the stack's history.
    type: str
  show_secrets:
    description: Whether secret outputs are returned as they are. Set C(no_log) on the task then.
    type: bool
    default: false
  timeout:
    description:
      - Seconds after which the engine is told to stop. It ends what it has begun, and the task fails.
      - Without it there is no limit.
    type: int
  backend_url:
    description: Where the state is kept, such as V(file:///var/lib/pulumi). Default is E(PULUMI_BACKEND_URL).
    type: str
  passphrase:
    description:
      - Passphrase of the stack's secrets. Default is E(PULUMI_CONFIG_PASSPHRASE), or the file that
        E(PULUMI_CONFIG_PASSPHRASE_FILE) names.
    type: str
  passphrase_file:
    description: File that holds the passphrase.
    type: path
  pulumi_executable:
    description: The Pulumi CLI, by name or path.
    type: str
    default: pulumi
  event_log:
    description:
      - File to which the engine's events are appended, one JSON document a line. It may come to hold secrets.
      - Without it they are thrown away afterwards.
    type: path
notes:
  - What the program needs besides is taken from the environment of the task, such as E(LIMEN_API_URL),
    E(LIMEN_TOKEN_FILE) and E(LIBVIRT_DEFAULT_URI). C(environment) of the task or play sets it.
seealso:
  - module: limen.platform.quota_check
"""

EXAMPLES = r"""
- name: The stack is as its program says
  limen.platform.pulumi_stack:
    project_dir: pulumi/programs/vm_stack
    stack: dev
    config:
      limen:project: demo
      vms:
        web-1: {vcpus: 1, memory: 1GiB, image: debian, disk: 8GiB, networks: [lan], tags: {role: web}}
    secrets:
      registry_password: "{{ vault_registry_password }}"
    backend_url: file:///var/lib/pulumi
    passphrase_file: /etc/pulumi/passphrase
  register: stack

- name: Where the VMs are
  ansible.builtin.debug:
    var: stack.outputs.vms

- name: What would be done
  limen.platform.pulumi_stack:
    project_dir: pulumi/programs/vm_stack
    stack: dev
    state: previewed
  register: preview

- name: Everything is given back
  limen.platform.pulumi_stack:
    project_dir: pulumi/programs/vm_stack
    stack: dev
    state: absent
    remove: true
"""

RETURN = r"""
outputs:
  description: The stack's outputs. Secret ones are V([secret]) unless O(show_secrets). Empty after a preview.
  returned: success
  type: dict
changes:
  description: Resources that change, with C(urn), C(type), C(name), C(op) and C(properties).
  returned: always, except for O(state=recovered)
  type: list
  elements: dict
counts:
  description: How many resources there were by operation, as the engine counted them.
  returned: always, except for O(state=recovered)
  type: dict
pending:
  description: Whether O(state=present) would change something.
  returned: in check mode and for O(state=previewed)
  type: bool
configured:
  description: Configuration keys that were set or taken away, or would be.
  returned: for O(state=present) and O(state=previewed)
  type: list
  elements: str
created:
  description: Whether the stack had to be made.
  returned: for O(state=present), not in check mode
  type: bool
denied:
  description: Whether it was the quota check that refused.
  returned: failure of the engine
  type: bool
decision:
  description: The decision of the quota check, with every line of its arithmetic. The message is its text.
  returned: when the quota check denied the stack
  type: dict
steps:
  description: What was done to recover the stack.
  returned: for O(state=recovered)
  type: list
  elements: dict
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError
from ansible_collections.limen.platform.plugins.module_utils.pulumi_cli import Pulumi
from ansible_collections.limen.platform.plugins.module_utils.pulumi_stack import Wanted, act

ARGUMENTS: dict[str, t.Any] = {
    "project_dir": {"type": "path", "required": True},
    "stack": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["present", "previewed", "refreshed", "absent", "recovered"],
        "default": "present",
    },
    "config": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "remove": {"type": "bool", "default": False},
    "refresh": {"type": "bool", "default": False},
    "targets": {"type": "list", "elements": "str", "default": []},
    "parallel": {"type": "int"},
    "update_message": {"type": "str"},
    "show_secrets": {"type": "bool", "default": False, "no_log": False},
    "timeout": {"type": "int"},
    "backend_url": {"type": "str"},
    "passphrase": {"type": "str", "no_log": True},
    "passphrase_file": {"type": "path", "no_log": False},
    "pulumi_executable": {"type": "str", "default": "pulumi"},
    "event_log": {"type": "path"},
}
_ENGINE = (
    *(
        "state",
        "config",
        "secrets",
        "targets",
        "refresh",
        "remove",
        "parallel",
        "update_message",
        "show_secrets",
    ),
    *("timeout", "event_log"),
)


def environment(options: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The environment of the CLI: the task's, and what options say."""
    given = {
        "PULUMI_BACKEND_URL": options["backend_url"],
        "PULUMI_CONFIG_PASSPHRASE": options["passphrase"],
        "PULUMI_CONFIG_PASSPHRASE_FILE": options["passphrase_file"],
    }
    return {**os.environ, **{name: value for name, value in given.items() if value is not None}}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        mutually_exclusive=[("passphrase", "passphrase_file")],
        supports_check_mode=True,
    )
    options = module.params
    wanted = Wanted(**{name: options[name] for name in _ENGINE})
    try:
        pulumi = Pulumi(
            options["pulumi_executable"], options["project_dir"], options["stack"], environment(options)
        )
        outcome = act(pulumi, wanted, module.check_mode)
    except LimenError as error:
        module.fail_json(msg=str(error), **error.facts())
    for warning in outcome.warnings:
        module.warn(warning)
    returned = {**outcome.facts, "changed": outcome.changed}
    if module._diff and outcome.diff is not None:
        returned["diff"] = outcome.diff
    if outcome.failure is not None:
        module.fail_json(msg=outcome.failure, **returned)
    module.exit_json(**returned)


if __name__ == "__main__":
    main()
