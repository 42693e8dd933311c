"""Whose a domain is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from limen.agent.admitted import Copy, CopyUnusable
from limen.hypervisor.model import Hint


@dataclass(frozen=True, slots=True)
class Owner:
    """Project and owner, by name; empty where nobody says."""

    project: str = ""
    owner: str = ""


class Owners(Protocol):
    """Tells owners at once, from memory: a scrape waits for it."""

    def owner_of(self, uuid: str, hint: Hint | None) -> Owner:
        """The domain's owner; `hint` is what its metadata says, which operators of the host can write."""
        ...


class HintOwners:
    """Believes the metadata: for hosts without a control plane."""

    def owner_of(self, uuid: str, hint: Hint | None) -> Owner:
        return Owner(hint.project, hint.owner) if hint else Owner()


class AdmittedOwners:
    """Believes the host's copy of who was admitted, and the metadata of domains that it does not know."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self._hints = HintOwners()
        self._read_at = 0
        self._known: Mapping[str, Owner] = {}

    def owner_of(self, uuid: str, hint: Hint | None) -> Owner:
        self._refresh()
        return self._known.get(uuid) or self._hints.owner_of(uuid, hint)

    def _refresh(self) -> None:
        """Read the copy again where it was written since; what was read last stays while it can't be."""
        try:
            written = self._copy.file.stat().st_mtime_ns
            if written == self._read_at:
                return
            domains = self._copy.read()["domains"]
        except (OSError, CopyUnusable):
            return
        self._known = {
            uuid: Owner(domain["project"], domain["owner"]["name"]) for uuid, domain in domains.items()
        }
        self._read_at = written
