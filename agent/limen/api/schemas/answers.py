"""What the API answers, for OpenAPI. The routes answer plain dicts; a contract test holds both together."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Amounts = dict[str, str]
Role = Literal["viewer", "operator", "owner"]


class Answer(BaseModel):
    """An answer document; every field is always there."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:limen:problem:quota_denied"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["quota_denied"])


class State(Answer):
    status: str


class WhoAmI(Answer):
    user: str
    administrator: bool
    scopes: list[str]
    projects: dict[str, Role]
    restricted_to: list[str] | None


class User(Answer):
    name: str
    administrator: bool
    roles: dict[str, Role]
    created: datetime


class Token(Answer):
    """Without its secret; `projects` null: every project that its user may see.

    `host`: it is that host's agent's, and good for nothing else.
    """

    id: str
    user: str
    scopes: list[str]
    projects: list[str] | None
    created: datetime
    expires: datetime
    revoked: datetime | None
    host: str | None


class IssuedToken(Answer):
    """`token` is shown in this answer only."""

    id: str
    token: str
    expires: datetime


class Project(Answer):
    """`chain` holds names from the project itself upwards."""

    name: str
    parent: str | None
    chain: list[str]
    created: datetime


class Line(Answer):
    scope: str
    scope_kind: Literal["project", "host"]
    resource: str
    limit: str | None
    soft: str | None
    used: str
    reserved: str
    before: str
    requested: str | None
    after: str | None
    shortfall: str | None
    largest: str
    verdict: Literal["fits", "warns", "denied"]
    reason: str | None


class ItemViolation(Answer):
    item: str
    resource: str
    requested: str | None
    minimum: str | None
    maximum: str | None
    verdict: Literal["denied"]
    reason: str


class Holder(Answer):
    claim: str
    owner: str
    resource: str
    amount: str


class Decision(Answer):
    """The explanation of a decision; `text` says it in words."""

    allowed: bool
    project: str | None
    chain: list[str]
    lines: list[Line]
    violations: list[Line | ItemViolation]
    warnings: list[Line]
    holders: list[Holder]
    text: str


class Item(Answer):
    key: str
    kind: Literal["vm", "disk", "network", "snapshot"]
    name: str
    host: str
    uuid: str
    volume: str | None
    snapshot: str | None
    state: Literal["reserved", "building", "committed", "lapsing", "released"]
    claimed: Amounts
    observed: Amounts
    charge: Amounts
    deadline: datetime | None
    released: bool
    fence: str | None


class Owner(Answer):
    kind: Literal["stack", "vm", "adopted"]
    name: str


class Fingerprint(Answer):
    backend: str
    project: str
    stack: str


class Claim(Answer):
    id: str
    project: str
    owner: Owner
    fingerprint: Fingerprint
    host: str
    generation: int
    state: Literal["held", "released"]
    items: list[Item]
    charge: Amounts
    created: datetime
    updated: datetime


class AdmittedClaim(Claim):
    decision: Decision


class AdmittedItem(Answer):
    item: Item
    fence: str


class SettledItem(BaseModel):
    """`state` is `released` once the host shows it gone, else `lapsing`, and `detail` says what is known.

    `kept`: another builder has taken the item over, and nothing was changed.
    """

    model_config = ConfigDict(extra="allow")

    key: str
    state: Literal["released", "lapsing", "kept"]
    charge: Amounts
    detail: str | None = None


class Deadline(Answer):
    deadline: datetime | None


class ResourceStanding(Answer):
    resource: str
    hard: str | None
    soft: str | None
    grace_seconds: int | None
    soft_since: datetime | None
    used: str
    reserved: str
    left: str


class Bounds(Answer):
    minimum: str | None
    maximum: str | None
    default: str | None


class Quota(Answer):
    """`bounds` are those in force, `own_bounds` those set on this project."""

    project: str
    chain: list[str]
    resources: list[ResourceStanding]
    bounds: dict[str, Bounds]
    own_bounds: dict[str, Bounds]
    claims: list[Claim]


class HostResource(Answer):
    resource: str
    capacity: str
    reserve: str
    overcommit: str
    limit: str
    used: str
    reserved: str
    orphans: str


class Host(Answer):
    """`uri`, `agent_url` and `error` are for administrators; `reachable` null: not asked yet.

    `reported` is when the host's agent last reported.
    """

    id: str
    name: str
    uri: str | None = None
    agent_url: str | None = None
    resources: list[HostResource]
    scanned: datetime | None
    reported: datetime | None
    reachable: bool | None
    error: str | None
    created: datetime


class Clock(Answer):
    now: datetime


class ScanResult(Answer):
    """How many items the scan showed for the first time, gone, or changed, and how much is nobody's."""

    applied: bool
    committed: int
    removed: int
    changed: int
    orphans: int


class AdmittedDomain(Answer):
    """`amounts` is what was admitted, whatever is seen."""

    uuid: str
    name: str
    claim: str
    project: str
    owner: Owner
    amounts: Amounts


class AdmittedDomains(Answer):
    host: str
    name: str
    domains: list[AdmittedDomain]


class ChargedResource(Answer):
    """`charge` is all that the project is charged, on every host, with the projects below it.

    `hard` null: no limit set, so nothing may be used.
    """

    hard: str | None
    soft: str | None
    charge: str


class HostProject(Answer):
    project: str
    resources: dict[str, ChargedResource]


class HostProjects(Answer):
    host: str
    projects: list[HostProject]


class AuditEntry(Answer):
    id: int
    at: datetime
    actor: str
    action: str
    project: str | None
    claim: str | None
    allowed: bool
    detail: dict[str, Any]


class Pruned(Answer):
    removed: int


class Finding(Answer):
    id: str
    kind: Literal["orphan", "ghost", "drift", "duplicate"]
    host: str
    item_kind: str
    identity: str
    name: str
    claim: str | None
    key: str | None
    project: str | None
    claimed: Amounts
    observed: Amounts
    detail: str
    actions: list[str]


class Findings(Answer):
    """`unreachable` names hosts whose last observation stands."""

    findings: list[Finding]
    unreachable: list[str]


class RepairResult(Answer):
    """`detail` says why it was not done; `claim` is the one that was changed or made, `decision` what the
    quota check said where it was asked."""

    finding: str
    action: str
    done: bool
    detail: str | None
    claim: str | None
    decision: Decision | None


class RepairResults(Answer):
    results: list[RepairResult]
