#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Ask whether something fits, without charging it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: quota_check
short_description: Ask the quota check whether something fits
version_added: 0.1.0
description:
  - Asks limen-api for the decision that a claim would meet now. Nothing is charged and nothing is changed.
  - The task fails if it does not fit, with the explanation as its message and the decision as data.
  - What is asked for is given as amounts, as a list of VMs, or as the JSON of C(pulumi preview --json).
author:
  - Limen contributors (@limen)
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
    details: The module only asks, in check mode as otherwise.
  diff_mode:
    support: full
    details: Shows what each project and host is charged now, and would be.
options:
  project:
    description:
      - Name of the project that would be charged.
      - Required with O(amounts) and O(vms). With a preview, which names its project itself, it is the only
        one allowed.
    type: str
  amounts:
    description:
      - "How much more of each resource, such as C({vcpus: 2, memory: 4GiB})."
      - Per-VM bounds and the capacity of hosts are left aside.
    type: dict
  vms:
    description: VMs that would be made.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the VM.
        type: str
        required: true
      vcpus:
        description: Number of vCPUs.
        type: str
        required: true
      memory:
        description: Memory, such as V(2GiB).
        type: str
        required: true
      disks:
        description: Sizes of its disks, such as C([10GiB, 20GiB]).
        type: list
        elements: str
      devices:
        description: "Number of devices by model, such as C({a100: 1})."
        type: dict
  host:
    description:
      - Name or UUID of the host where the O(vms) would be.
      - With it, per-VM bounds and the host's capacity are part of the decision. Without it, they are left
        aside.
    type: str
  preview:
    description:
      - What C(pulumi preview --json) wrote to standard output.
      - A preview that makes libvirt resources around the quota check is refused.
      - A preview that was denied is asked about again, so that the task fails with the decision of now.
      - A preview that failed for another reason is refused.
    type: json
  preview_file:
    description: File with what C(pulumi preview --json) wrote, on the machine where the module runs.
    type: path
seealso:
  - module: limen.platform.quota_claim
  - module: limen.platform.quota_info
"""

EXAMPLES = r"""
- name: Stop here unless 4 GiB more fit
  limen.platform.quota_check:
    project: demo
    amounts: {vcpus: 2, memory: 4GiB}

- name: Stop here unless these VMs fit their project and their host
  limen.platform.quota_check:
    project: demo
    host: hv-1
    vms:
      - {name: web-1, vcpus: 2, memory: 2GiB, disks: [10GiB]}
      - {name: web-2, vcpus: 2, memory: 2GiB, disks: [10GiB]}

- name: Preview a stack
  ansible.builtin.command:
    cmd: pulumi preview --json --non-interactive
    chdir: /srv/stacks/web
  register: preview
  changed_when: false
  failed_when: false  # One that is denied fails as well: quota_check says why, with the decision as data.
  check_mode: false

- name: Stop here unless the stack fits
  limen.platform.quota_check:
    project: demo
    preview: "{{ preview.stdout }}"

- name: Ask, and go on either way
  limen.platform.quota_check:
    project: demo
    amounts: {vms: 100}
  register: answer
  failed_when: answer.decision is not defined

- name: How many would fit
  ansible.builtin.debug:
    msg: "{{ (answer.decision.lines | first).largest }}"
"""

RETURN = r"""
allowed:
  description: Whether it fits.
  returned: if something was decided, whether it fits or not
  type: bool
  sample: false
decision:
  description:
    - The decision, the first denied one if there are several. Null if nothing was asked, as by a preview
      without changes.
    - Amounts are text, memory and disk in bytes.
  returned: if something was decided, whether it fits or not
  type: dict
  contains:
    allowed:
      description: Whether it fits.
      type: bool
      returned: always
    project:
      description: The project asked.
      type: str
      returned: always
    chain:
      description: Names from the project itself upwards.
      type: list
      elements: str
      returned: always
    lines:
      description: >-
        The arithmetic, one entry for each scope and resource, with C(scope), C(resource), C(limit), C(used),
        C(reserved), C(requested), C(shortfall), C(largest), C(verdict) and C(reason).
      type: list
      elements: dict
      returned: always
    violations:
      description: The lines that deny, and items outside of the per-VM bounds.
      type: list
      elements: dict
      returned: always
    warnings:
      description: The lines that are over a soft limit.
      type: list
      elements: dict
      returned: always
    holders:
      description: Who holds most of what is short, as far as the token may see.
      type: list
      elements: dict
      returned: always
    text:
      description: The explanation in words.
      type: str
      returned: always
  sample:
    allowed: false
    project: demo
    chain: [demo]
    lines:
      - scope: demo
        scope_kind: project
        resource: memory
        limit: "1073741824"
        soft: null
        used: "536870912"
        reserved: "0"
        before: "0"
        requested: "1073741824"
        after: "1073741824"
        shortfall: "536870912"
        largest: "536870912"
        verdict: denied
        reason: over_hard
    violations: []
    warnings: []
    holders: []
    text: "Denied: project demo may not use 1GiB more memory."
decisions:
  description: Every decision. There are several only for a preview with several claims.
  returned: if something was decided, whether it fits or not
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils import checks
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.running import run

WAYS = ["amounts", "vms", "preview", "preview_file"]


def main() -> None:
    vm = {
        "name": {"type": "str", "required": True},
        "vcpus": {"type": "str", "required": True},
        "memory": {"type": "str", "required": True},
        "disks": {"type": "list", "elements": "str"},
        "devices": {"type": "dict"},
    }
    module = AnsibleModule(
        argument_spec=api_arguments(
            project={"type": "str"},
            amounts={"type": "dict"},
            vms={"type": "list", "elements": "dict", "options": vm},
            host={"type": "str"},
            preview={"type": "json"},
            preview_file={"type": "path"},
        ),
        required_one_of=[WAYS],
        mutually_exclusive=[WAYS, ["host", "amounts"], ["host", "preview"], ["host", "preview_file"]],
        supports_check_mode=True,
    )
    run(module, checks.check)


if __name__ == "__main__":
    main()
