#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Set limits and per-VM bounds of a project."""

from __future__ import annotations

DOCUMENTATION = r"""
module: quota
short_description: Manage limits and per-VM bounds of a project
version_added: 0.1.0
description:
  - Sets what a project may use of each resource, and between which sizes each of its VMs must be.
  - Only the resources that are named change, unless O(purge) is set.
  - An entry is declared as a whole. What it leaves out is not set.
author:
  - Limen contributors (@limen)
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  project:
    description: Name of the project. Its limits are set by an owner of its parent, or by an administrator.
    type: str
    required: true
  limits:
    description: What the project may use. No limit set means that none may be used.
    type: list
    elements: dict
    suboptions:
      resource:
        description: V(vms), V(vcpus), V(memory), V(disk), V(networks), V(snapshots), or V(device:NAME).
        type: str
        required: true
      hard:
        description:
          - The most that may be used, such as V(8) or V(16GiB), or V(unlimited).
          - Required unless the entry is V(absent).
        type: str
      soft:
        description: Above this, admissions warn and the grace period begins.
        type: str
      grace:
        description:
          - How long more may be used than O(limits[].soft), such as V(90s), V(30m), V(12h), V(7d) or V(2w).
          - Without it, the soft limit only warns.
        type: str
      state:
        description: V(absent) takes the limit away, so that none may be used.
        type: str
        choices: [present, absent]
        default: present
  bounds:
    description: Between which sizes each VM of the project must be.
    type: list
    elements: dict
    suboptions:
      resource:
        description: V(vcpus), V(memory), or V(disk), which is judged for each disk.
        type: str
        required: true
      minimum:
        description: The least that a VM may have.
        type: str
      maximum:
        description: The most that a VM may have.
        type: str
      default:
        description: What a VM gets that does not say.
        type: str
      state:
        description: V(absent) takes the bounds away.
        type: str
        choices: [present, absent]
        default: present
  purge:
    description: Whether limits and bounds of the project that are not named are taken away.
    type: bool
    default: false
seealso:
  - module: limen.platform.project
  - module: limen.platform.quota_info
  - module: limen.platform.quota_check
"""

EXAMPLES = r"""
- name: Eight VMs, with a week to come down from 24 GiB of memory
  limen.platform.quota:
    project: demo
    limits:
      - {resource: vms, hard: 8}
      - {resource: vcpus, hard: 16}
      - {resource: memory, hard: 32GiB, soft: 24GiB, grace: 7d}
      - {resource: disk, hard: 200GiB}
      - {resource: networks, hard: unlimited}
    bounds:
      - {resource: vcpus, minimum: 1, maximum: 4, default: 2}

- name: No snapshots any more
  limen.platform.quota:
    project: demo
    limits:
      - {resource: snapshots, state: absent}
"""

RETURN = r"""
project:
  description: Name of the project.
  returned: success
  type: str
  sample: demo
limits:
  description: The limits by resource, all that the project has, in check mode as they would be.
  returned: success
  type: dict
  sample:
    memory: {hard: 32GiB, soft: 24GiB, grace: 1w}
    vms: {hard: "8"}
bounds:
  description: The bounds that are set on the project itself, by resource.
  returned: success
  type: dict
  sample:
    vcpus: {minimum: "1", maximum: "4", default: "2"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils import limits
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.running import run


def main() -> None:
    text = {"type": "str"}
    common = {
        "resource": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    }
    limit = {**common, "hard": text, "soft": text, "grace": text}
    bounds = {**common, "minimum": text, "maximum": text, "default": text}
    module = AnsibleModule(
        argument_spec=api_arguments(
            project={"type": "str", "required": True},
            limits={"type": "list", "elements": "dict", "options": limit},
            bounds={"type": "list", "elements": "dict", "options": bounds},
            purge={"type": "bool", "default": False},
        ),
        supports_check_mode=True,
    )
    run(module, limits.ensure)


if __name__ == "__main__":
    main()
