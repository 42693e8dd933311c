#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of a VM, counted by the quota check."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot
short_description: Manage snapshots of a VM, behind the quota check
version_added: 0.1.0
description:
  - Takes, deletes, lists snapshots of a VM, and reverts the VM to one.
  - A snapshot counts as one of the resource C(snapshots). As C(disk) it counts what it can come to hold - a
    copy of each writable disk, and the memory of a guest that runs. limen-api admits it before it is taken.
  - Snapshots are libvirt's internal ones, kept in the disks' own qcow2 files.
  - A run that was cut off is completed by the next one.
author:
  - Limen contributors (@limen)
requirements:
  - libvirt-python (Debian's python3-libvirt) where the module runs
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
    details: Asks the quota check as well, so what would be refused is refused in check mode too.
  diff_mode:
    support: full
options:
  uri:
    description:
      - Libvirt's URI, as seen from where the module runs.
      - If it is not given, the environment variable E(LIMEN_LIBVIRT_URI) is used.
    type: str
    default: qemu:///system
  vm:
    description:
      - Name of the VM. It must have been admitted by Limen, whoever made it.
      - A snapshot of a VM that a Pulumi stack holds gets a claim of its own beside the stack's.
    type: str
    required: true
  project:
    description: The project that the VM is charged to.
    type: str
    required: true
  name:
    description: Name of the snapshot. Required unless O(state=listed).
    type: str
  description:
    description: What the snapshot is for. It is written when the snapshot is taken.
    type: str
  state:
    description:
      - V(present) takes the snapshot if there is none of that name.
      - V(absent) deletes it. Snapshots that were taken after it stay.
      - V(reverted) brings the VM back to it, whether it runs included. What the VM has written since is
        lost, so this is always a change. A size that the VM had then and has no longer is admitted first.
      - V(listed) changes nothing.
    type: str
    choices: [present, absent, reverted, listed]
    default: present
seealso:
  - module: limen.platform.vm
"""

EXAMPLES = r"""
- name: Before the upgrade
  limen.platform.vm_snapshot:
    vm: web
    project: demo
    name: before-upgrade
    description: Debian 12

- name: It went wrong
  limen.platform.vm_snapshot:
    vm: web
    project: demo
    name: before-upgrade
    state: reverted

- name: It went well
  limen.platform.vm_snapshot:
    vm: web
    project: demo
    name: before-upgrade
    state: absent
"""

RETURN = r"""
snapshots:
  description: The VM's snapshots as they are now, the oldest first. In check mode as they were.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    state:
      description: What the VM was when it was taken, V(running), V(paused) or V(stopped).
      type: str
      returned: always
    created:
      description: When it was taken, in seconds since 1970.
      type: int
      returned: always
    description:
      description: What it is for.
      type: str
      returned: always
    parent:
      description: The snapshot that it was taken after. Null for the first.
      type: str
      returned: always
    current:
      description: Whether it is the last one that was taken, or reverted to.
      type: bool
      returned: always
  sample:
    - created: 1795254000
      current: true
      description: Debian 12
      name: before-upgrade
      parent: null
      state: running
decision:
  description: The quota check's decision.
  returned: if it refused
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils import vm_snapshots
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.libvirt_host import require_libvirt, uri_argument
from ansible_collections.limen.platform.plugins.module_utils.running import run

STATES = ["present", "absent", "reverted", "listed"]


def main() -> None:
    module = AnsibleModule(
        argument_spec=api_arguments(
            uri=uri_argument(),
            vm={"type": "str", "required": True},
            project={"type": "str", "required": True},
            name={"type": "str"},
            description={"type": "str"},
            state={"type": "str", "default": "present", "choices": STATES},
        ),
        required_if=[("state", state, ("name",)) for state in STATES[:3]],
        supports_check_mode=True,
    )
    require_libvirt(module)
    run(module, vm_snapshots.ensure)


if __name__ == "__main__":
    main()
