"""The words of the quota model as values. Nothing here decides; `decide` does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal
from uuid import UUID, uuid5

from limen.quota.errors import InvalidAmount, InvalidSpec
from limen.quota.resources import BYTE_RESOURCES as BYTE_RESOURCES
from limen.quota.resources import COUNT_RESOURCES as COUNT_RESOURCES
from limen.quota.resources import RESOURCES as RESOURCES
from limen.quota.resources import check_resource as check_resource

MAX_AMOUNT = 2**53 - 1
"""The largest amount: the largest integer that a JSON number carries exactly everywhere."""

ScopeKind = Literal["project", "host"]
ItemKind = Literal["vm", "disk", "network", "snapshot"]
Verdict = Literal["fits", "warns", "denied"]
Reason = Literal[
    "over_hard", "over_soft", "grace_over", "no_limit", "below_minimum", "above_maximum", "unknown_amount"
]

ITEM_KINDS: tuple[ItemKind, ...] = ("vm", "disk", "network", "snapshot")

_ITEM_KEY = re.compile(r"[a-z0-9][a-z0-9:._-]{0,127}")
_PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Unlimited(Enum):
    """The type of `UNLIMITED`, which admits every amount; it is not a number."""

    UNLIMITED = "unlimited"


UNLIMITED = Unlimited.UNLIMITED


@dataclass(frozen=True, slots=True)
class Unknown:
    """An amount that is not known yet (a Pulumi preview); counts as `upper`, and is denied without one."""

    upper: int | None = None


Amount = int | Unknown


@dataclass(frozen=True, slots=True)
class Limit:
    """What a project may use of a resource, in pieces or bytes.

    Above `soft` admissions warn and a clock starts; after `grace` they are denied. Without `grace`, soft
    never denies. Raises `InvalidAmount` and `InvalidSpec`.
    """

    hard: int | Unlimited
    soft: int | None = None
    grace: timedelta | None = None

    def __post_init__(self) -> None:
        if self.hard is not UNLIMITED:
            _check_amount(self.hard, "a hard limit")
        if self.soft is not None:
            _check_amount(self.soft, "a soft limit")
            if isinstance(self.hard, int) and self.soft > self.hard:
                raise InvalidSpec(
                    f"the soft limit {self.soft} is above the hard limit {self.hard}: "
                    "lower it or raise the hard one"
                )
        if self.grace is not None:
            if self.soft is None:
                raise InvalidSpec("a grace period needs a soft limit: set one or leave the grace period out")
            if self.grace < timedelta(0):
                raise InvalidSpec("a grace period cannot be negative: write a number of seconds from 0")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one VM (or, for `disk`, one disk) may have of a resource; None leaves that side open."""

    minimum: int | None = None
    maximum: int | None = None
    default: int | None = None

    def __post_init__(self) -> None:
        for word in ("minimum", "maximum", "default"):
            if getattr(self, word) is not None:
                _check_amount(getattr(self, word), f"a {word}")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise InvalidSpec(f"the minimum {self.minimum} is above the maximum {self.maximum}: swap them")
        if self.default is not None and (
            (self.minimum is not None and self.default < self.minimum)
            or (self.maximum is not None and self.default > self.maximum)
        ):
            raise InvalidSpec(
                f"the default {self.default} is outside minimum and maximum: choose one between them"
            )


@dataclass(frozen=True, slots=True)
class Scope:
    """What charges are counted against. `id` is unique among projects and hosts together."""

    id: str
    kind: ScopeKind
    name: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How one scope stands in one resource; `limit` None means that none is set, and nothing may be used.

    `used` is the charge of committed items, `reserved` of items not seen yet; both count. `soft_since` is
    when used + reserved went over the soft limit, None while it is not.
    """

    scope: Scope
    resource: str
    limit: Limit | None
    used: int = 0
    reserved: int = 0
    soft_since: datetime | None = None

    def with_usage(self, used: int, reserved: int, soft_since: datetime | None) -> "Standing":
        """The same scope, resource and limit with other counters."""
        return Standing(self.scope, self.resource, self.limit, used, reserved, soft_since)


@dataclass(frozen=True, slots=True)
class Item:
    """One chargeable thing of a claim; `host` is libvirt's host UUID.

    `volume` is "pool/name" of a disk, `snapshot` "domain-uuid/name" of a snapshot. `uuid` is the libvirt UUID
    of a VM or network that was there before its claim; of any other it is `item_uuid`.
    """

    key: str
    kind: ItemKind
    name: str
    host: str
    amounts: Mapping[str, Amount]
    volume: str | None = None
    snapshot: str | None = None
    uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One chargeable thing on a host. `identity` is the libvirt UUID, or "pool/name" of a disk or
    "domain-uuid/name" of a snapshot.

    `hint` is the claim that its metadata names, `disks` the volumes ("pool/name") that a domain writes to.
    """

    kind: ItemKind
    identity: str
    name: str
    amounts: Mapping[str, int]
    hint: UUID | None = None
    disks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What one claim's charge in one scope is and would be; `before` is part of the standing's counters."""

    scope_id: str
    resource: str
    before: int
    after: Amount


@dataclass(frozen=True, slots=True)
class Line:
    """One (scope, resource) of a decision.

    `after` is None when it is not known and has no upper bound. `ceiling` is what the scope's total might
    have been at most at that moment: the hard limit, the soft one once its grace is over, 0 with none set.
    """

    standing: Standing
    before: int
    after: int | None
    ceiling: int | Unlimited
    verdict: Verdict
    reason: Reason | None

    @property
    def total(self) -> int:
        """What the scope would be charged afterwards; an unknown amount adds nothing to it."""
        after = self.before if self.after is None else self.after
        return self.standing.used + self.standing.reserved - self.before + after

    @property
    def requested(self) -> int | None:
        """The increase, never negative; None when it is not known."""
        return None if self.after is None else max(0, self.after - self.before)

    @property
    def shortfall(self) -> int | None:
        """By how much a denied line is over its ceiling, 0 for any other; None when it is not known."""
        if self.verdict != "denied" or isinstance(self.ceiling, Unlimited):
            return 0 if self.after is not None else None
        return None if self.after is None else self.total - self.ceiling

    @property
    def room(self) -> int | Unlimited:
        """The largest increase that this scope alone would admit."""
        if isinstance(self.ceiling, Unlimited):
            return self.ceiling
        return max(0, self.ceiling - self.standing.used - self.standing.reserved)


@dataclass(frozen=True, slots=True)
class ItemViolation:
    """An item that is outside its bounds, or whose amount nobody knows; `amount` None means the latter."""

    item: str
    resource: str
    amount: int | None
    minimum: int | None
    maximum: int | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Holder:
    """A claim (also the asking one) that holds some of what is used; `owner` reads like "stack web"."""

    claim: str
    owner: str
    resource: str
    amount: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything that was decided about a change, both ways; `explain` draws it.

    `chain` holds names of projects from the project itself upwards. `starts_grace` and `ends_grace` name the
    (scope id, resource) whose soft clock is to be set to the time of the decision, or cleared; both are empty
    when the change is denied.
    """

    allowed: bool
    chain: tuple[str, ...]
    lines: tuple[Line, ...]
    violations: tuple[Line | ItemViolation, ...] = ()
    warnings: tuple[Line, ...] = ()
    starts_grace: tuple[tuple[str, str], ...] = ()
    ends_grace: tuple[tuple[str, str], ...] = ()
    holders: tuple[Holder, ...] = ()

    @property
    def project(self) -> str | None:
        """The project that asked; None for a decision about hosts alone."""
        return self.chain[0] if self.chain else None

    def with_holders(self, holders: tuple[Holder, ...]) -> "Decision":
        """The same decision, saying who holds the rest; the caller filters by what the asker may see."""
        return replace(self, holders=holders)


def known(amount: Amount) -> int:
    """The number that `amount` counts as; raises `InvalidAmount` if it is unknown without an upper bound."""
    if isinstance(amount, int):
        return amount
    if amount.upper is None:
        raise InvalidAmount("an amount is not known yet: state an upper bound for it, or write the number")
    return amount.upper


def check_item_key(key: object) -> str:
    """Return `key` if it is an item key such as `vm:web-1`; raise `InvalidSpec` otherwise."""
    if isinstance(key, str) and _ITEM_KEY.fullmatch(key):
        return key
    raise InvalidSpec(
        f"{key!a:.60} is not an item key: use 1 to 128 lower-case letters, digits and : . _ - , beginning "
        "with a letter or digit, such as vm:web-1"
    )


def check_project_name(name: object) -> str:
    """Return `name` if it may name a project; raise `InvalidSpec` otherwise."""
    if isinstance(name, str) and _PROJECT_NAME.fullmatch(name):
        return name
    raise InvalidSpec(
        f"{name!a:.60} is not a project name: use 1 to 63 lower-case letters, digits and hyphens, beginning "
        "with a letter or digit"
    )


def item_uuid(claim_id: UUID | str, key: str) -> UUID:
    """The libvirt UUID of a claim's VM or network: uuid5(claim id, item key)."""
    try:
        namespace = claim_id if isinstance(claim_id, UUID) else UUID(claim_id)
    except ValueError as error:
        raise InvalidSpec(f"{claim_id!a:.60} is not a claim id: it must be a UUID") from error
    return uuid5(namespace, check_item_key(key))


def snapshot_identity(domain: UUID | str, name: str) -> str:
    """What the ledger and a scan know a snapshot by: "domain-uuid/name"; raises `InvalidSpec`.

    The name is libvirt's, which holds no slash and begins with no dot.
    """
    try:
        uuid = domain if isinstance(domain, UUID) else UUID(domain)
    except ValueError as error:
        raise InvalidSpec(
            f"{domain!a:.60} is not a domain's UUID: take the one that libvirt shows"
        ) from error
    if not name or "/" in name or name.startswith(".") or not name.isprintable():
        raise InvalidSpec(
            f"{name!a:.60} is not a snapshot's name: use printable characters, no slash, and no dot in front"
        )
    return f"{uuid}/{name}"


def check_snapshot(identity: object) -> str:
    """Return `identity` as `snapshot_identity` writes it; raise `InvalidSpec` otherwise."""
    if isinstance(identity, str) and "/" in identity:
        return snapshot_identity(*identity.split("/", 1))
    raise InvalidSpec(f"{identity!a:.60} does not name a snapshot: write it as DOMAIN-UUID/NAME")


def _check_amount(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_AMOUNT:
        raise InvalidAmount(f"{what} must be a whole number from 0 to {MAX_AMOUNT}, not {value!a:.60}")
