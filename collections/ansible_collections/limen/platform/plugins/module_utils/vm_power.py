# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""From one power state of a VM to another."""

from __future__ import annotations

from ansible_collections.limen.platform.plugins.module_utils.vm_model import Seen, Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible, Step


def power_up(state: str, now: str) -> list[Step]:
    """From `now` to running or paused; nothing for the other states."""
    if state == "running" and now == "paused":
        return [Step("resume", "resumed")]
    if state == "running" and now == "stopped":
        return [Step("start", "started")]
    if state == "paused" and now == "running":
        return [Step("suspend", "paused")]
    if state == "paused" and now == "stopped":
        return [Step("start_paused", "started, paused")]
    return []


def power_down(wanted: Wanted, seen: Seen) -> list[Step]:
    """To stopped; raises NotPossible for a paused guest that may not be powered off."""
    if seen.state == "paused" and not wanted.force:
        raise NotPossible(
            f"{wanted.name} is paused and can't hear the request to shut down: set force to power it off, "
            "which loses what it has not written, or resume it first."
        )
    seconds = 0 if seen.state == "paused" else wanted.shutdown_seconds
    sentence = "powered off" if not seconds else "shut down"
    if seconds and wanted.force:
        sentence += f", by force after {seconds} s"
    return [Step("shut_down", sentence, {"seconds": seconds, "force": wanted.force})]
