"""The decision: numbers compared with numbers. Pure; called for every admission, so it is kept lean."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from limen.quota.model import (
    UNLIMITED,
    Bounds,
    Change,
    Decision,
    Item,
    ItemViolation,
    Limit,
    Line,
    Reason,
    Scope,
    Standing,
    Unknown,
    Unlimited,
    Verdict,
)
from limen.quota.resources import resource_rank


def decide(
    changes: Iterable[Change],
    standings: Iterable[Standing],
    now: datetime,
    items: Iterable[Item] = (),
    bounds: Mapping[str, Bounds] | None = None,
) -> Decision:
    """Decide about all `changes` together and report every violation.

    `standings` come from the project itself upwards, then hosts in any order; the order of the projects is
    the chain of the decision. A change without a standing meets no limit set: an increase is denied. Changes
    of one (scope, resource) are added up, so splitting a claim gains nothing. `items` are judged by `bounds`,
    and must hold only what is new or increased (`claims.increases`), since a decrease always passes. `now` is
    the database's clock.

    Lines and violations are ordered by scope (chain upwards, then hosts by id), then by resource; violations
    of items follow, by key and resource.
    """
    index: dict[tuple[str, str], Standing] = {}
    scopes: dict[str, Scope] = {}
    for standing in standings:
        scope = standing.scope
        index[scope.id, standing.resource] = standing
        if scope.id not in scopes:
            scopes[scope.id] = scope

    sums: dict[tuple[str, str], tuple[int, int | None]] = {}
    for change in changes:
        key = (change.scope_id, change.resource)
        after = change.after.upper if isinstance(change.after, Unknown) else change.after
        if key in sums:
            earlier_before, earlier_after = sums[key]
            before = earlier_before + change.before
            after = None if after is None or earlier_after is None else earlier_after + after
            sums[key] = (before, after)
        else:
            sums[key] = (change.before, after)
            if change.scope_id not in scopes:
                scopes[change.scope_id] = Scope(change.scope_id, "project", change.scope_id)

    chain = [scope for scope in scopes.values() if scope.kind == "project"]
    hosts = sorted((scope for scope in scopes.values() if scope.kind == "host"), key=_scope_id)
    ranks = {scope.id: rank for rank, scope in enumerate(chain + hosts)}

    lines: list[Line] = []
    violations: list[Line | ItemViolation] = []
    warnings: list[Line] = []
    starts: list[tuple[str, str]] = []
    ends: list[tuple[str, str]] = []
    for key in sorted(sums, key=lambda key: (ranks[key[0]], resource_rank(key[1]))):
        before, known_after = sums[key]
        found = index.get(key)
        if found is None:
            found = Standing(scopes[key[0]], key[1], None)
        line = _line(found, before, known_after, now)
        lines.append(line)
        if line.verdict == "denied":
            violations.append(line)
            continue
        if line.verdict == "warns":
            warnings.append(line)
        limit = found.limit
        if found.soft_since is not None or (limit is not None and limit.soft is not None):
            clock = grace_clock(limit, line.total, found.soft_since if _running(found) else None, now)
            if clock is None and found.soft_since is not None:
                ends.append(key)
            elif clock is not None and clock != found.soft_since:
                starts.append(key)

    violations.extend(_item_violations(items, bounds or {}))
    allowed = not violations
    return Decision(
        allowed,
        tuple([scope.name for scope in chain]),
        tuple(lines),
        tuple(violations),
        tuple(warnings),
        tuple(starts) if allowed else (),
        tuple(ends) if allowed else (),
    )


def grace_clock(
    limit: Limit | None, total: int, soft_since: datetime | None, now: datetime
) -> datetime | None:
    """The new `soft_since` of a scope charged `total`; the old one stays while the total stays over soft."""
    if limit is None or limit.soft is None or total <= limit.soft:
        return None
    return soft_since or now


def _scope_id(scope: Scope) -> str:
    return scope.id


def _running(standing: Standing) -> bool:
    """Whether the clock counts: one left over from before usage fell under the soft limit does not."""
    limit = standing.limit
    return (
        standing.soft_since is not None
        and limit is not None
        and limit.soft is not None
        and standing.used + standing.reserved > limit.soft
    )


def _line(standing: Standing, before: int, after: int | None, now: datetime) -> Line:
    limit = standing.limit
    ceiling: int | Unlimited
    reason_when_over: Reason
    if limit is None:
        ceiling, reason_when_over = 0, "no_limit"
    else:
        ceiling, reason_when_over = limit.hard, "over_hard"
        if (
            standing.soft_since is not None
            and limit.grace is not None
            and limit.soft is not None
            and _running(standing)
            and now - standing.soft_since > limit.grace
        ):
            ceiling, reason_when_over = limit.soft, "grace_over"
    verdict: Verdict = "fits"
    reason: Reason | None = None
    if after is None:
        verdict, reason = "denied", "unknown_amount"
    elif after > before:
        total = standing.used + standing.reserved - before + after
        if limit is None or (ceiling is not UNLIMITED and total > ceiling):
            verdict, reason = "denied", reason_when_over
        elif limit.soft is not None and total > limit.soft:
            verdict, reason = "warns", "over_soft"
    return Line(standing, before, after, ceiling, verdict, reason)


def _item_violations(items: Iterable[Item], bounds: Mapping[str, Bounds]) -> list[ItemViolation]:
    found = []
    for item in sorted(items, key=lambda item: item.key):
        for resource in sorted(item.amounts, key=resource_rank):
            amount = item.amounts[resource]
            number = amount.upper if isinstance(amount, Unknown) else amount
            bound = bounds.get(resource, _OPEN) if item.kind in ("vm", "disk") else _OPEN
            reason: Reason
            if number is None:
                reason = "unknown_amount"
            elif bound.minimum is not None and number < bound.minimum:
                reason = "below_minimum"
            elif bound.maximum is not None and number > bound.maximum:
                reason = "above_maximum"
            else:
                continue
            found.append(ItemViolation(item.key, resource, number, bound.minimum, bound.maximum, reason))
    return found


_OPEN = Bounds()
