#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Create, move and delete projects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: project
short_description: Manage projects of Limen
version_added: 0.1.0
description:
  - Creates, moves and deletes projects, the scopes that own VMs, networks and disks and whose limits the
    quota check enforces.
  - Projects form a tree. What a project is charged counts against every limit above it as well.
  - A new project has no limits, which means that nothing may be used; set them with M(limen.platform.quota).
author:
  - Limen contributors (@limen)
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
    details: What the API would refuse is refused too, such as deleting a project that holds something.
  diff_mode:
    support: full
options:
  name:
    description:
      - Name of the project. 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit.
    type: str
    required: true
  parent:
    description:
      - Name of the project that it is below. V("") puts it at the top of a tree of its own.
      - If it is not given, a new project is put at the top, and an existing one stays where it is.
      - Only an administrator can put a project at the top, or move it.
    type: str
  members:
    description:
      - Roles of users in the project and everything below it. Users that are not named keep theirs.
      - Needs the token of an administrator.
    type: list
    elements: dict
    suboptions:
      user:
        description: Name of the user.
        type: str
        required: true
      role:
        description: The role to give. V(none) takes it away.
        type: str
        choices: [viewer, operator, owner, none]
        required: true
  state:
    description:
      - V(present) creates the project and brings it to what is declared.
      - V(absent) deletes it, which fails while it has projects below it or claims that hold something.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: limen.platform.quota
  - module: limen.platform.quota_info
"""

EXAMPLES = r"""
- name: A team with a person's own share below it
  limen.platform.project:
    name: team
    members:
      - {user: alice, role: owner}

- name: The share
  limen.platform.project:
    name: team-bob
    parent: team
    members:
      - {user: bob, role: operator}

- name: No such project any more
  limen.platform.project:
    name: team-carol
    state: absent
"""

RETURN = r"""
project:
  description: The project as it is now, in check mode as it would be. Null if it is absent.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
    parent:
      description: The project that it is below. Null at the top.
      type: str
      returned: always
    chain:
      description: Names from the project itself upwards.
      type: list
      elements: str
      returned: if it exists
    created:
      description: When it was created.
      type: str
      returned: if it exists
    members:
      description: The roles of those whom the option O(members) names.
      type: dict
      returned: if O(members) is given
  sample:
    chain: [team-bob, team]
    created: "2026-11-21T09:30:00+00:00"
    name: team-bob
    parent: team
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.limen.platform.plugins.module_utils import projects
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.running import run


def main() -> None:
    member = {
        "user": {"type": "str", "required": True},
        "role": {"type": "str", "required": True, "choices": ["viewer", "operator", "owner", "none"]},
    }
    module = AnsibleModule(
        argument_spec=api_arguments(
            name={"type": "str", "required": True},
            parent={"type": "str"},
            members={"type": "list", "elements": "dict", "options": member},
            state={"type": "str", "default": "present", "choices": ["present", "absent"]},
        ),
        supports_check_mode=True,
    )
    run(module, projects.ensure)


if __name__ == "__main__":
    main()
