#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Name what ledger and hosts do not agree on, and repair what is told."""

from __future__ import annotations

DOCUMENTATION = r"""
module: quota_reconcile
short_description: Find orphans, ghosts and drift, and repair what is told
version_added: 0.1.0
description:
  - Names what the ledger and the hosts do not agree on. Orphans are there and unclaimed, ghosts are claimed
    and gone, drift has other sizes than are claimed, duplicates are on a second host.
  - Repairs only what it is told to. It never touches a VM, disk or network. Repairs change the ledger.
author:
  - Limen contributors (@limen)
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
    details: Hosts are scanned in check mode too, since a scan changes nothing that is claimed.
  diff_mode:
    support: full
    details: Shows the findings before and those that would be left.
options:
  host:
    description: Name or UUID of the one host to look at. If it is not given, every host is looked at.
    type: str
  scan:
    description: Whether to scan the hosts first. Without it, findings are those of the last scans.
    type: bool
    default: true
  repair:
    description:
      - What to repair. Nothing is repaired if it is not given.
      - Each entry means every finding that offers its action, or of these only the one that
        O(repair[].finding) or those that O(repair[].name) and O(repair[].project) name.
      - Needs the token of an administrator.
    type: list
    elements: dict
    suboptions:
      action:
        description:
          - V(release) gives up what is claimed and gone.
          - V(lower) lowers a claim to what is seen.
          - V(claim) raises a claim to what is seen.
          - V(adopt) charges what nobody claimed to O(repair[].project), which the quota check may deny. It
            needs O(repair[].finding) or O(repair[].name) too.
        type: str
        choices: [release, lower, claim, adopt]
        required: true
      finding:
        description: Id of the one finding. The task fails if it is not there or does not offer the action.
        type: str
      name:
        description: Only findings of things of this name.
        type: str
      project:
        description: Only findings of claims of this project. With V(adopt), the project that is charged.
        type: str
seealso:
  - module: limen.platform.quota_info
"""

EXAMPLES = r"""
- name: What do ledger and hosts not agree on
  limen.platform.quota_reconcile:
  register: report

- name: Stop if anything runs that nobody claimed
  ansible.builtin.assert:
    that: report.findings | selectattr('kind', 'eq', 'orphan') | length == 0

- name: Give up what is gone, and claim what demo's VMs have grown to
  limen.platform.quota_reconcile:
    repair:
      - action: release
      - {action: claim, project: demo}

- name: Charge a VM that somebody made by hand to demo
  limen.platform.quota_reconcile:
    repair:
      - {action: adopt, name: web-3, project: demo}
"""

RETURN = r"""
findings:
  description: >-
    What ledger and hosts do not agree on, before any repair. Orphans are shown to administrators only.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What O(repair[].finding) names.
      type: str
      returned: always
    kind:
      description: V(orphan), V(ghost), V(drift) or V(duplicate).
      type: str
      returned: always
    host:
      description: UUID of the host.
      type: str
      returned: always
    item_kind:
      description: V(vm), V(disk), V(network) or V(snapshot).
      type: str
      returned: always
    name:
      description: Name of the thing.
      type: str
      returned: always
    project:
      description: The project that claims it, if any.
      type: str
      returned: always
    claim:
      description: The claim that holds it, if any.
      type: str
      returned: always
    claimed:
      description: What is claimed, by resource, as text, memory and disk in bytes.
      type: dict
      returned: always
    observed:
      description: What the host shows, by resource.
      type: dict
      returned: always
    detail:
      description: The finding in words.
      type: str
      returned: always
    actions:
      description: What O(repair[].action) may be for it.
      type: list
      elements: str
      returned: always
unreachable:
  description: Names of hosts that do not answer. What was last seen there stands.
  returned: success
  type: list
  elements: str
repairs:
  description: What came of each repair, in check mode what would.
  returned: success
  type: list
  elements: dict
  contains:
    finding:
      description: Id of the finding.
      type: str
      returned: always
    action:
      description: What was done about it.
      type: str
      returned: always
    done:
      description: Whether it was done.
      type: bool
      returned: always
    detail:
      description: Why it was not done.
      type: str
      returned: always
    claim:
      description: The claim that holds it now.
      type: str
      returned: always
    decision:
      description: >-
        What the quota check said, as M(limen.platform.quota_check) returns it. Null if it was not
        asked.
      type: dict
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils import findings
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.running import run


def main() -> None:
    rule = {
        "action": {"type": "str", "required": True, "choices": ["release", "lower", "claim", "adopt"]},
        "finding": {"type": "str"},
        "project": {"type": "str"},
        "name": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec=api_arguments(
            host={"type": "str"},
            scan={"type": "bool", "default": True},
            repair={"type": "list", "elements": "dict", "options": rule},
        ),
        supports_check_mode=True,
    )
    run(module, findings.reconcile)


if __name__ == "__main__":
    main()
