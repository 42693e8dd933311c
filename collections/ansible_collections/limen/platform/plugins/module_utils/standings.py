# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""How projects stand: limits, what is used, reserved and left."""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.running import Result


def look(client: Client, options: t.Mapping[str, t.Any], check_mode: bool) -> Result:
    """The quota document of one project, or of all that the token may see."""
    if options["project"] is not None:
        names = [options["project"]]
    else:
        names = [project["name"] for project in client.get("projects")]
    return Result(facts={"projects": [client.get("projects", name, "quota") for name in names]})
