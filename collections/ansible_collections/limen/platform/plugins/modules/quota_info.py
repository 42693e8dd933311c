#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Read how projects stand."""

from __future__ import annotations

DOCUMENTATION = r"""
module: quota_info
short_description: Read limits and usage of projects
version_added: 0.1.0
description:
  - Reads what projects may use, what they use, what is reserved and left, and which claims hold it.
author:
  - Limen contributors (@limen)
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
    details: The module only reads.
  diff_mode:
    support: N/A
    details: Nothing is changed.
options:
  project:
    description: Name of the project. If it is not given, every project that the token may see is returned.
    type: str
seealso:
  - module: limen.platform.quota
  - module: limen.platform.quota_check
"""

EXAMPLES = r"""
- name: How demo stands
  limen.platform.quota_info:
    project: demo
  register: standing

- name: What is left of its memory, in bytes
  ansible.builtin.debug:
    msg: "{{ (standing.projects[0].resources | selectattr('resource', 'eq', 'memory') | first).left }}"
"""

RETURN = r"""
projects:
  description: How each project stands. Amounts are text, memory and disk in bytes.
  returned: success
  type: list
  elements: dict
  contains:
    project:
      description: Its name.
      type: str
      returned: always
    chain:
      description: Names from the project itself upwards.
      type: list
      elements: str
      returned: always
    resources:
      description: >-
        One entry for each resource that has a limit or is used, with C(resource), C(hard), C(soft),
        C(grace_seconds), C(soft_since), C(used), C(reserved) and C(left).
      type: list
      elements: dict
      returned: always
    bounds:
      description: The per-VM bounds in force, those of its ancestors included.
      type: dict
      returned: always
    own_bounds:
      description: The per-VM bounds set on the project itself.
      type: dict
      returned: always
    claims:
      description: The claims of the project that hold something.
      type: list
      elements: dict
      returned: always
  sample:
    - project: demo
      chain: [demo]
      resources:
        - resource: memory
          hard: "1073741824"
          soft: null
          grace_seconds: null
          soft_since: null
          used: "536870912"
          reserved: "0"
          left: "536870912"
      bounds: {}
      own_bounds: {}
      claims: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils import standings
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.running import run


def main() -> None:
    module = AnsibleModule(argument_spec=api_arguments(project={"type": "str"}), supports_check_mode=True)
    run(module, standings.look)


if __name__ == "__main__":
    main()
