"""A stack's exported state as values. Pure; the format is Pulumi's deployment, version 3 or 4.

Pulumi writes 4 as soon as a resource uses one of the `features` that the document lists, such as replaceWith;
what is read here is the same in both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limen.quota.errors import InvalidSpec
from limen.quota.model import item_uuid
from limen.recovery.errors import RecoveryError

CLAIM = "limen:index:QuotaClaim"
ADMISSION = "limen:index:Admission"
_VERSIONS = (3, 4)
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Pending:
    """An operation that was begun and never ended. `operation` is Pulumi's word: creating, updating, ..."""

    operation: str
    record: Record

    @property
    def urn(self) -> str:
        return str(self.record["urn"])

    @property
    def type(self) -> str:
        return str(self.record["type"])

    def text(self, name: str) -> str | None:
        """An input that is plain text; None for what is secret, not known or not there."""
        value = (self.record.get("inputs") or {}).get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True)
class StackState:
    """What a recovery needs of a state."""

    resources: tuple[Record, ...]
    pending: tuple[Pending, ...]

    def known(self, type_: str) -> frozenset[str]:
        """Ids of the resources of a type that the state has."""
        return frozenset(str(each.get("id", "")) for each in self._of(type_))

    @property
    def pending_claims(self) -> tuple[str, ...]:
        """Claims that stand in pending creations alone: their UUID was minted before anything was done."""
        known = {_text(each, "claimId") for each in self._of(CLAIM)}
        found = (each.text("claimId") for each in self.pending if each.type == CLAIM)
        return tuple(sorted({claim for claim in found if claim and claim not in known}))

    @property
    def identities(self) -> frozenset[str]:
        """The libvirt UUIDs and "pool/name"s that are this stack's: those of its claims' items."""
        found = set()
        for record in self._everything():
            if record["type"] == CLAIM:
                found |= _item_identities(record)
            elif record["type"] == ADMISSION:
                found |= _identity(_text(record, "claimId"), _text(record, "key"))
        return frozenset(found)

    @property
    def volumes(self) -> dict[str, str]:
        """The "pool/name"s that are this stack's, each with its item's key."""
        return {
            item["volume"]: key
            for claim in self._everything()
            if claim["type"] == CLAIM
            for key, item in _items(claim).items()
            if isinstance(item, dict) and isinstance(item.get("volume"), str)
        }

    def first(self, *names: str) -> str | None:
        """The first text of any of these names among the claims and admissions, outputs before inputs."""
        for name in names:
            for record in self._everything():
                if record["type"] in (CLAIM, ADMISSION) and (value := _text(record, name)):
                    return value
        return None

    def _of(self, type_: str) -> list[Record]:
        return [each for each in self.resources if each["type"] == type_]

    def _everything(self) -> list[Record]:
        return [*self.resources, *(each.record for each in self.pending)]


def read_state(exported: object) -> StackState:
    """The state out of what `pulumi stack export` printed; raises RecoveryError for another format."""
    if not isinstance(exported, dict) or exported.get("version") not in _VERSIONS:
        raise RecoveryError(
            f"The stack's state is of none of the versions {_VERSIONS}: use the Pulumi CLI that wrote it."
        )
    deployment = exported.get("deployment") or {}
    return StackState(
        tuple(deployment.get("resources") or ()),
        tuple(
            Pending(str(each["type"]), each["resource"])
            for each in deployment.get("pending_operations") or ()
        ),
    )


def _items(claim: Record) -> Mapping[str, Any]:
    items = (claim.get("inputs") or {}).get("items")
    return items if isinstance(items, dict) else {}


def _item_identities(claim: Record) -> set[str]:
    found = set()
    for key, item in _items(claim).items():
        found |= _identity(_text(claim, "claimId"), key)
        if isinstance(item, dict) and isinstance(item.get("volume"), str):
            found.add(item["volume"])
    return found


def _identity(claim_id: str | None, key: str | None) -> set[str]:
    try:
        return {str(item_uuid(claim_id, key))} if claim_id and key else set()
    except InvalidSpec:
        return set()


def _text(record: Record, name: str) -> str | None:
    for part in ("outputs", "inputs"):
        value = (record.get(part) or {}).get(name)
        if isinstance(value, str) and value:
            return value
    return None
