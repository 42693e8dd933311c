"""The host's own copy of who was admitted on it: written by the observer, read by libvirt's start hook.

It is limen-api's answer as it came, so that known domains start while the control plane is away.
"""

import json
import os
from pathlib import Path
from typing import Any

from limen.quota.errors import LimenError

STATE = Path("/var/lib/limen-agent")
FILE = "admitted.json"
# libvirtd, which runs the hook, is root; nobody else has to know who has what on this host.
_MODE = 0o640


class CopyUnusable(LimenError):
    """There is no copy, or it is damaged."""


class Copy:
    """The copy in one folder."""

    def __init__(self, state: Path) -> None:
        self.file = state / FILE

    def read(self) -> dict[str, Any]:
        """`{host, name, domains}`. Raises CopyUnusable."""
        try:
            found = json.loads(self.file.read_bytes())
            return {
                "host": str(found["host"]),
                "name": str(found["name"]),
                "domains": {domain["uuid"]: domain for domain in found["domains"]},
            }
        except FileNotFoundError as error:
            raise CopyUnusable(f"there is no {self.file} yet: is limen-agent running?") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CopyUnusable(f"{self.file} can't be used: {error}") from error

    def write(self, answer: dict[str, Any]) -> bool:
        """Whole or not at all, whatever happens meanwhile; False where it says this already."""
        text = json.dumps(answer, indent=1, sort_keys=True).encode() + b"\n"
        try:
            if self.file.read_bytes() == text:
                return False
        except OSError:
            pass
        draft = self.file.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _MODE)
        with os.fdopen(descriptor, "wb") as target:
            os.fchmod(descriptor, _MODE)
            target.write(text)
            target.flush()
            os.fsync(descriptor)
        draft.replace(self.file)
        return True
