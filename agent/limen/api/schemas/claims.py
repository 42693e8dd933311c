"""Documents of claims and their items."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from limen.api.schemas.fields import (
    Amounts,
    Document,
    Identity,
    ItemKey,
    Json,
    ProjectName,
    SnapshotIdentity,
    Text,
)
from limen.ledger.values import Claim, ClaimItem, ClaimRequest, Fingerprint, ItemRequest, Owner

MAX_ITEMS = 2000
MAX_WAIT_SECONDS = 120.0
_VOLUME = r"^[^/]+/[^/]+$"
Kind = Literal["vm", "disk", "network", "snapshot"]
Fence = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$", description="An opaque fencing token.")]
WaitSeconds = Annotated[float, Field(ge=0, le=MAX_WAIT_SECONDS, strict=False)]


class OwnerIn(Document):
    kind: Literal["stack", "vm", "adopted"]
    name: Text


class FingerprintIn(Document):
    backend: Text
    project: Text
    stack: Text


class ItemIn(Document):
    """One item; `host` is left out where it is the claim's.

    A disk says which `volume` it is ("pool/name"), a snapshot which `snapshot` ("DOMAIN-UUID/NAME").
    """

    key: ItemKey
    kind: Kind
    name: Text
    amounts: Amounts
    host: Text | None = None
    volume: Annotated[Text, Field(pattern=_VOLUME)] | None = None
    snapshot: SnapshotIdentity | None = None

    @model_validator(mode="after")
    def _says_which(self) -> "ItemIn":
        if (self.volume is not None) != (self.kind == "disk"):
            raise ValueError("a disk needs volume, written pool/name, and nothing else has one")
        if (self.snapshot is not None) != (self.kind == "snapshot"):
            raise ValueError("a snapshot needs snapshot, written DOMAIN-UUID/NAME, and nothing else has one")
        return self


class ClaimIn(Document):
    """What a claim asks for; `host` is a registered host's UUID or name."""

    project: ProjectName
    owner: OwnerIn
    fingerprint: FingerprintIn
    host: Text
    items: Annotated[list[ItemIn], Field(min_length=0, max_length=MAX_ITEMS)]
    takeover: bool = False

    @model_validator(mode="after")
    def _keys_are_unique(self) -> "ClaimIn":
        keys = [item.key for item in self.items]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"these keys are there more than once: {', '.join(twice)}")
        return self


class NewClaim(ClaimIn):
    id: Identity


class ChangedClaim(ClaimIn):
    generation: Annotated[int, Field(ge=1)]


class Transfer(Document):
    generation: Annotated[int, Field(ge=1)]
    project: ProjectName


class AdmitIn(Document):
    """The size at which an item is about to be built, and on which host."""

    amounts: Amounts
    host: Text
    fence: Fence | None = None


class SettleIn(Document):
    """`fence` is that of the admission whose item is given up; without it, whoever builds it is not asked."""

    wait_seconds: WaitSeconds = 30.0
    fence: Fence | None = None


class HeartbeatIn(Document):
    fences: Annotated[list[Fence], Field(max_length=MAX_ITEMS)]


def claim_request(claim_id: str, body: ClaimIn, hosts: Mapping[str, UUID]) -> ClaimRequest:
    """The ledger's request; `hosts` resolves every host that `host_names(body)` lists."""
    return ClaimRequest(
        id=UUID(claim_id),
        project=body.project,
        owner=Owner(body.owner.kind, body.owner.name),
        fingerprint=Fingerprint(body.fingerprint.backend, body.fingerprint.project, body.fingerprint.stack),
        host=hosts[body.host],
        items=tuple(item_request(item, hosts) for item in body.items),
        takeover=body.takeover,
    )


def item_request(item: ItemIn, hosts: Mapping[str, UUID]) -> ItemRequest:
    host = None if item.host is None else hosts[item.host]
    return ItemRequest(item.key, item.kind, item.name, item.amounts, host, item.volume, item.snapshot)


def host_names(body: ClaimIn) -> set[str]:
    """Every host that a claim names, by UUID or name."""
    return {body.host, *(item.host for item in body.items if item.host is not None)}


def claim_json(claim: Claim) -> Json:
    return {
        "id": str(claim.id),
        "project": claim.project,
        "owner": {"kind": claim.owner.kind, "name": claim.owner.name},
        "fingerprint": {
            "backend": claim.fingerprint.backend,
            "project": claim.fingerprint.project,
            "stack": claim.fingerprint.stack,
        },
        "host": str(claim.host),
        "generation": claim.generation,
        "state": claim.state,
        "items": [item_json(item) for item in claim.items],
        "charge": strings(claim.charge),
        "created": claim.created.isoformat(),
        "updated": claim.updated.isoformat(),
    }


def item_json(item: ClaimItem) -> Json:
    return {
        "key": item.key,
        "kind": item.kind,
        "name": item.name,
        "host": str(item.host),
        "uuid": str(item.uuid),
        "volume": item.volume,
        "snapshot": item.snapshot,
        "state": item.state,
        "claimed": strings(item.claimed),
        "observed": strings(item.observed),
        "charge": strings(item.charge),
        "deadline": None if item.deadline is None else item.deadline.isoformat(),
        "released": item.released,
        "fence": str(item.fence) if item.fence else None,
    }


def strings(amounts: Mapping[str, int]) -> dict[str, str]:
    """Amounts travel as strings: a JSON number loses digits in some readers."""
    return {resource: str(amount) for resource, amount in amounts.items()}
