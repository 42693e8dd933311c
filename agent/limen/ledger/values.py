"""What goes into the ledger and comes out of it, as values. Amounts are ints (pieces or bytes)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from limen.quota.decision_json import DecisionJson
from limen.quota.explain import explanation
from limen.quota.model import Amount, Bounds, Decision, ItemKind, Unlimited

OwnerKind = Literal["stack", "vm", "adopted"]
ItemState = Literal["reserved", "building", "committed", "lapsing"]
ClaimState = Literal["held", "released"]
Role = Literal["viewer", "operator", "owner"]


@dataclass(frozen=True, slots=True)
class Owner:
    """What a claim is for."""

    kind: OwnerKind
    name: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Which Pulumi stack holds a claim; another one needs an explicit takeover."""

    backend: str
    project: str
    stack: str


@dataclass(frozen=True, slots=True)
class ItemRequest:
    """One item that a claim asks for. `host` None is the claim's host; for the rest see `Item`.

    Only an explanation may ask for amounts that are not known yet.
    """

    key: str
    kind: ItemKind
    name: str
    amounts: Mapping[str, Amount]
    host: UUID | None = None
    volume: str | None = None
    snapshot: str | None = None
    uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What POST and PUT of a claim carry."""

    id: UUID
    project: str
    owner: Owner
    fingerprint: Fingerprint
    host: UUID
    items: tuple[ItemRequest, ...]
    takeover: bool = False


@dataclass(frozen=True, slots=True)
class ClaimItem:
    """One item of a claim as the ledger holds it.

    `seen`: the host was seen to hold it since it was admitted (its charge is then "used", else "reserved").
    `released`: nobody wants it any more; the row goes when a scan shows nothing. `fence` is the newest
    builder's token, 0 before the first.
    """

    key: str
    kind: ItemKind
    name: str
    host: UUID
    uuid: UUID
    volume: str | None
    state: ItemState
    claimed: Mapping[str, int]
    observed: Mapping[str, int]
    deadline: datetime | None
    fence: int = 0
    seen: bool = False
    released: bool = False
    snapshot: str | None = None

    @property
    def charge(self) -> dict[str, int]:
        """Per resource the larger of claimed and observed."""
        return {
            resource: max(self.claimed.get(resource, 0), self.observed.get(resource, 0))
            for resource in {**self.claimed, **self.observed}
        }

    @property
    def identity(self) -> str:
        """What a scan knows the thing by on its host: "pool/name", "domain-uuid/name" or the libvirt UUID."""
        return self.volume or self.snapshot or str(self.uuid)


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as the ledger holds it; `items` by key, `fences` counts tokens given out."""

    id: UUID
    project: str
    owner: Owner
    fingerprint: Fingerprint
    host: UUID
    generation: int
    state: ClaimState
    items: tuple[ClaimItem, ...]
    created: datetime
    updated: datetime
    fences: int = 0

    @property
    def charge(self) -> dict[str, int]:
        """What the whole claim is charged, per resource."""
        total: dict[str, int] = {}
        for item in self.items:
            for resource, amount in item.charge.items():
                total[resource] = total.get(resource, 0) + amount
        return total

    def item(self, key: str) -> ClaimItem | None:
        """The item of that key, None if there is none."""
        return next((item for item in self.items if item.key == key), None)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A change that was admitted: the claim afterwards; `replayed` if it is the first answer once more."""

    claim: Claim
    outcome: Decision | DecisionJson
    replayed: bool = False

    @property
    def decision(self) -> DecisionJson:
        """The decision's JSON, without holders."""
        return explanation(self.outcome) if isinstance(self.outcome, Decision) else self.outcome


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `chain` holds names from the project itself upwards to its root."""

    id: int
    name: str
    parent: str | None
    chain: tuple[str, ...]
    created: datetime


@dataclass(frozen=True, slots=True)
class ResourceStanding:
    """One resource of a project.

    `hard` None: no limit set. `left` None: unlimited; 0 where it is overdrawn.
    """

    resource: str
    hard: int | Unlimited | None
    soft: int | None
    grace: timedelta | None
    soft_since: datetime | None
    used: int
    reserved: int
    left: int | None


@dataclass(frozen=True, slots=True)
class ProjectQuota:
    """How a project stands. `bounds` are those in force (its own and its ancestors', the strictest)."""

    project: str
    chain: tuple[str, ...]
    resources: tuple[ResourceStanding, ...]
    bounds: Mapping[str, Bounds]
    own_bounds: Mapping[str, Bounds]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class HostResource:
    """Capacity of one resource on a host. `limit` = floor(capacity * overcommit) - reserve."""

    capacity: int
    reserve: int
    overcommit: Decimal
    limit: int
    used: int
    reserved: int
    orphans: int


@dataclass(frozen=True, slots=True)
class Host:
    """A registered host; `id` is libvirt's host UUID. `scanned` is when the last applied scan begun.

    `reported` is when its agent last reported, `silence` how long ago that was by the database's clock;
    `agent_url` is where the agent is reached. None: it never did, it is not reached.
    """

    id: UUID
    name: str
    uri: str
    resources: Mapping[str, HostResource]
    scanned: datetime | None
    created: datetime
    reported: datetime | None = None
    silence: timedelta | None = None
    agent_url: str | None = None


@dataclass(frozen=True, slots=True)
class AdmittedDomain:
    """A domain that somebody was admitted for on a host; `amounts` is what was admitted, not what is seen."""

    uuid: UUID
    name: str
    claim: UUID
    project: str
    owner: Owner
    amounts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that reconciliation names. `kind`: orphan, ghost, drift, duplicate.

    `id` is stable over scans.
    """

    id: str
    kind: Literal["orphan", "ghost", "drift", "duplicate"]
    host: UUID
    item_kind: ItemKind
    identity: str
    name: str
    claim: UUID | None
    key: str | None
    project: str | None
    claimed: Mapping[str, int] = field(default_factory=dict)
    observed: Mapping[str, int] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What applying a scan did. `applied` False: it was older than the last one, and nothing was changed."""

    applied: bool
    committed: int = 0
    removed: int = 0
    changed: int = 0
    orphans: int = 0


@dataclass(frozen=True, slots=True)
class Lapsed:
    """How many claims had overdue reservations; seconds until the next is due, None while none waits."""

    claims: int
    next_deadline: float | None


@dataclass(frozen=True, slots=True)
class User:
    name: str
    administrator: bool
    created: datetime
    roles: Mapping[str, Role] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. `projects` None: every project its user may see.

    `host`: it is that host's agent's, and good for nothing else.
    """

    id: UUID
    user: str
    scopes: tuple[str, ...]
    projects: tuple[str, ...] | None
    created: datetime
    expires: datetime
    revoked: datetime | None
    host: UUID | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a valid token speaks for.

    `roles` maps every project the user has a role in, directly or by an ancestor, to the strongest role.
    `projects` takes in what is below the token's projects; None: no restriction. `host`: it speaks for that
    host's agent, and has nothing of its user's rights.
    """

    token: UUID
    user: str
    administrator: bool
    scopes: tuple[str, ...]
    projects: tuple[str, ...] | None
    roles: Mapping[str, Role]
    host: UUID | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: int
    at: datetime
    actor: str
    action: str
    project: str | None
    claim: UUID | None
    allowed: bool
    detail: Mapping[str, Any]
