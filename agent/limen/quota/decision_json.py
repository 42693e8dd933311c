"""The shape of a decision as JSON, the same at every door; amounts are strings: nobody rounds them."""

from typing import TypedDict, final

from limen.quota.model import Reason, ScopeKind, Verdict


@final
class LineJson(TypedDict):
    """One (scope, resource); `limit` is an amount, "unlimited" or None; None elsewhere is "not known"."""

    scope: str
    scope_kind: ScopeKind
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
    verdict: Verdict
    reason: Reason | None


@final
class ItemViolationJson(TypedDict):
    """An item outside its bounds, or of an amount that is not known."""

    item: str
    resource: str
    requested: str | None
    minimum: str | None
    maximum: str | None
    verdict: Verdict
    reason: Reason


class HolderJson(TypedDict):
    """A claim that holds some of what is used."""

    claim: str
    owner: str
    resource: str
    amount: str


class DecisionJson(TypedDict):
    """A whole decision; `text` is `explain.text` of the rest."""

    allowed: bool
    project: str | None
    chain: list[str]
    lines: list[LineJson]
    violations: list[LineJson | ItemViolationJson]
    warnings: list[LineJson]
    holders: list[HolderJson]
    text: str
