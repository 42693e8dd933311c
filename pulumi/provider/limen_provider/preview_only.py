"""A preview that has no access to its host: what stands for the host then, and that nothing is changed.

`limen preview-sandbox` sets LIMEN_PREVIEW_ONLY to a file with what was written down of the host. A sandbox
for pull requests that nobody has looked at yet: it keeps mistakes apart from the host, while what keeps an
attacker from the host is that the machine has no way to it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limen_provider.errors import ProviderError

VARIABLE = "LIMEN_PREVIEW_ONLY"


class NoAccess(ProviderError):
    """What was asked needs the host, or would change something."""


@dataclass(frozen=True)
class PreviewOnly:
    """The host that the previewed stack is on: how it is reached elsewhere, and its capabilities there."""

    uri: str
    host: Mapping[str, Any]

    def capabilities(self, uri: str) -> dict[str, Any]:
        """What getHostCapabilities answered beside the host; raises `NoAccess` for another host."""
        if uri != self.uri:
            raise NoAccess(
                f"This preview has no access to {uri}: it knows the host that the stack is on, {self.uri}. "
                "A move to another host has to be previewed by somebody who may reach it."
            )
        return dict(self.host)


def from_environment() -> PreviewOnly | None:
    """What LIMEN_PREVIEW_ONLY says, None without it; raises `NoAccess` for a file that will not do."""
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    try:
        document = json.loads(Path(name).read_text(encoding="utf-8"))
        return PreviewOnly(str(document["uri"]), dict(document["host"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoAccess(
            f"{VARIABLE} must name the file that `limen preview-sandbox` makes; {name} is none. Unset it for "
            "anything but that."
        ) from error


def refuse(operation: str) -> NoAccess:
    """The error for an operation that is none of a preview."""
    return NoAccess(
        f"This is a preview without access to the host, so {operation}: run pulumi outside of "
        "`limen preview-sandbox`."
    )
