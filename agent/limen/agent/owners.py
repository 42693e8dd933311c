"""Whose a domain is."""

from dataclasses import dataclass
from typing import Protocol

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
