#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Hold quota while other tasks build something."""

from __future__ import annotations

DOCUMENTATION = r"""
module: quota_claim
short_description: Reserve, commit and release quota around other tasks
version_added: 0.1.0
description:
  - Holds quota for what other tasks build, so that any task file can be guarded with C(block) and C(rescue).
  - V(reserved) admits all items or none, and fails with the decision if they do not fit. The tasks of the
    block then build them. V(committed) waits until the host shows every item. In the C(rescue), V(released)
    gives them up.
  - Nothing that a client says commits an item. It is committed when its host is seen to hold it, a VM or
    network by its UUID, a disk by its pool and volume. Build them with the UUIDs that RV(uuids) returns.
  - A reservation lapses two minutes after its last sign of life. For a block that takes longer, V(kept) sends
    signs of life in the background. See the examples.
  - What was reserved and given up stays charged until a scan of the host shows nothing of it.
author:
  - Limen contributors (@limen)
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
    details: >-
      V(reserved) asks the quota check and fails if it denies. V(committed) and V(kept) do nothing, since
      nothing was built.
  diff_mode:
    support: full
options:
  name:
    description: What the claim is for. It is shown to whoever asks who holds the quota.
    type: str
    required: true
  project:
    description: Name of the project that is charged. Another project for the same O(id) is a transfer.
    type: str
    required: true
  id:
    description:
      - UUID of the claim. If it is not given, it is made of O(project) and O(name), so that each run finds
        the claim of the run before.
    type: str
  host:
    description: Name or UUID of the host where the items will be. Required for V(reserved).
    type: str
  items:
    description:
      - What will be built. Required for V(reserved).
      - With V(committed) and V(released), only these items are meant. Without it, all of the claim are.
      - A claim only grows. An item that is held at this size or a larger one stays as it is.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the VM, disk, network or snapshot.
        type: str
        required: true
      kind:
        description: What it is.
        type: str
        choices: [vm, disk, network, snapshot]
        required: true
      key:
        description: >-
          What the claim knows it by. If it is not given, it is the kind and the name, as in
          V(vm:web-1).
        type: str
      volume:
        description: For a disk, its pool and volume, such as V(default/web-1-root).
        type: str
      amounts:
        description:
          - "Its sizes, such as C({vcpus: 2, memory: 2GiB}) for a VM and C({disk: 10GiB}) for a disk."
          - The VM, network or snapshot itself is counted without saying.
        type: dict
  state:
    description:
      - V(reserved) admits the items and takes their fencing tokens. Repeated, it is a sign of life.
      - V(kept) sends signs of life for O(wait_seconds), or until nothing is being built any more. Use it with
        C(async) and C(poll=0).
      - V(committed) waits until the host shows the items, and fails if it does not within O(wait_seconds).
      - V(released) gives the items up and waits for O(wait_seconds) until the host shows them gone. It
        warns of what is still charged then.
    type: str
    choices: [reserved, kept, committed, released]
    default: reserved
  wait_seconds:
    description: How long to wait, at most.
    type: int
    default: 30
  takeover:
    description: Whether to take over a claim that something else than a playbook made. It is audited.
    type: bool
    default: false
seealso:
  - module: limen.platform.quota_check
  - module: limen.platform.quota_info
  - module: limen.platform.vm
"""

EXAMPLES = r"""
- name: Build a scratch disk within the quota, or leave nothing behind
  vars:
    volume: default/scratch
  block:
    - name: Reserve it
      limen.platform.quota_claim:
        name: scratch
        project: demo
        host: hv-1
        items:
          - {name: scratch, kind: disk, volume: "{{ volume }}", amounts: {disk: 10GiB}}

    - name: Make it
      ansible.builtin.command:
        cmd: virsh vol-create-as default scratch 10GiB --format qcow2
      changed_when: true

    - name: Wait until the host is seen to hold it
      limen.platform.quota_claim:
        name: scratch
        project: demo
        state: committed
  rescue:
    - name: Take away what there is of it
      ansible.builtin.command:
        cmd: virsh vol-delete scratch --pool default
      register: deleted
      changed_when: deleted.rc == 0
      failed_when: false

    - name: Give it up
      limen.platform.quota_claim:
        name: scratch
        project: demo
        state: released

    - name: Say so
      ansible.builtin.fail:
        msg: The disk was not built.

- name: Keep a reservation for up to an hour while the next tasks build
  limen.platform.quota_claim:
    name: farm
    project: demo
    state: kept
    wait_seconds: 3600
  async: 3700
  poll: 0
  when: not ansible_check_mode
"""

RETURN = r"""
id:
  description: UUID of the claim.
  returned: success
  type: str
  sample: 0b1ee3a2-0d6f-5a52-a2a6-6a52d79b9e4e
uuids:
  description: The libvirt UUIDs that its VMs and networks must have, by the key of the item.
  returned: success
  type: dict
  sample: {"vm:web-1": "0f4fb0ce-6a52-5a3a-8b8f-52f3d25a0a3c"}
claim:
  description: The claim as the API has it, in check mode as it is before. Null if there is none.
  returned: success
  type: dict
  contains:
    id:
      description: Its UUID.
      type: str
      returned: always
    project:
      description: The project that is charged.
      type: str
      returned: always
    generation:
      description: Raised by every change.
      type: int
      returned: always
    state:
      description: V(held) or V(released).
      type: str
      returned: always
    items:
      description: >-
        Its items, with C(key), C(kind), C(name), C(host), C(uuid), C(volume), C(state), C(claimed),
        C(observed), C(charge) and C(deadline).
      type: list
      elements: dict
      returned: always
    charge:
      description: What it is charged by resource.
      type: dict
      returned: always
decision:
  description: Why it does not fit, as M(limen.platform.quota_check) returns it.
  returned: when the quota check denies
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils import claims
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.running import run


def main() -> None:
    item = {
        "name": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": ["vm", "disk", "network", "snapshot"]},
        "key": {"type": "str", "no_log": False},
        "volume": {"type": "str"},
        "amounts": {"type": "dict"},
    }
    states = ["reserved", "kept", "committed", "released"]
    module = AnsibleModule(
        argument_spec=api_arguments(
            name={"type": "str", "required": True},
            project={"type": "str", "required": True},
            id={"type": "str"},
            host={"type": "str"},
            items={"type": "list", "elements": "dict", "options": item},
            state={"type": "str", "default": "reserved", "choices": states},
            wait_seconds={"type": "int", "default": 30},
            takeover={"type": "bool", "default": False},
        ),
        required_if=[("state", "reserved", ("host", "items"))],
        supports_check_mode=True,
    )
    run(module, claims.ensure)


if __name__ == "__main__":
    main()
