"""The explanation of a decision as JSON; its wording is drawn from that JSON alone (`wording`)."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

from limen.quota.decision_json import DecisionJson, HolderJson, ItemViolationJson, LineJson
from limen.quota.errors import InvalidResource, InvalidSpec
from limen.quota.model import Decision, ItemViolation, Line, Unlimited
from limen.quota.resources import check_resource
from limen.quota.wording import summary as summary
from limen.quota.wording import text as text


def explanation(decision: Decision) -> DecisionJson:
    """The JSON of `decision`, with its text; see docs/architecture.md for what each field means."""
    largest = _largest(decision.lines)
    drawn = {
        (line.standing.scope.id, line.standing.resource): _line_json(line, largest[index])
        for index, line in enumerate(decision.lines)
    }

    def of(line: Line) -> LineJson:
        return drawn[line.standing.scope.id, line.standing.resource]

    result = DecisionJson(
        allowed=decision.allowed,
        project=decision.project,
        chain=list(decision.chain),
        lines=list(drawn.values()),
        violations=[of(each) if isinstance(each, Line) else _item_json(each) for each in decision.violations],
        warnings=[of(line) for line in decision.warnings],
        holders=[
            HolderJson(claim=each.claim, owner=each.owner, resource=each.resource, amount=str(each.amount))
            for each in decision.holders
        ],
        text="",
    )
    result["text"] = text(result)
    return result


def from_json(value: object) -> DecisionJson:
    """Check a decision that came over the wire and return it typed; raise `InvalidSpec` if it is none.

    Fields that this version does not know are kept, so that an older client reads a newer server.
    """
    decision = _mapping(value, "decision")
    _field(decision, "allowed", bool, "decision")
    _field(decision, "project", (str, type(None)), "decision")
    _field(decision, "text", str, "decision")
    for name in _list(decision, "chain", "decision"):
        if not isinstance(name, str):
            raise _malformed("decision.chain", "a list of project names")
    for field in ("lines", "warnings"):
        for line in _list(decision, field, "decision"):
            _check_line(line, f"decision.{field}")
    for violation in _list(decision, "violations", "decision"):
        if "item" in _mapping(violation, "decision.violations"):
            _check_item(violation, "decision.violations")
        else:
            _check_line(violation, "decision.violations")
    for holder in _list(decision, "holders", "decision"):
        fields = _mapping(holder, "decision.holders")
        for name in ("claim", "owner"):
            _field(fields, name, str, "decision.holders")
        _amounts(fields, ("amount",), (), "decision.holders")
    if bool(decision["violations"]) == decision["allowed"]:
        raise _malformed("decision.allowed", "true exactly when there are no violations")
    return cast(DecisionJson, value)


def _largest(lines: Sequence[Line]) -> list[int | Unlimited]:
    """For each line, the largest increase that every scope it depends on would admit.

    Projects count what all hosts hold together, so a project's line may use the room of all hosts of the
    change; a host's line has that host's room alone.
    """
    projects: dict[str, int | Unlimited] = {}
    hosts: dict[str, int | Unlimited] = {}
    for line in lines:
        resource = line.standing.resource
        if line.standing.scope.kind == "project":
            projects[resource] = _least(projects.get(resource, Unlimited.UNLIMITED), line.room)
        else:
            hosts[resource] = _sum(hosts.get(resource, 0), line.room)
    return [
        _least(
            projects.get(line.standing.resource, Unlimited.UNLIMITED),
            hosts.get(line.standing.resource, Unlimited.UNLIMITED)
            if line.standing.scope.kind == "project"
            else line.room,
        )
        for line in lines
    ]


def _least(one: int | Unlimited, other: int | Unlimited) -> int | Unlimited:
    if isinstance(one, Unlimited):
        return other
    return one if isinstance(other, Unlimited) else min(one, other)


def _sum(one: int | Unlimited, other: int | Unlimited) -> int | Unlimited:
    if isinstance(one, Unlimited) or isinstance(other, Unlimited):
        return Unlimited.UNLIMITED
    return one + other


def _line_json(line: Line, largest: int | Unlimited) -> LineJson:
    standing = line.standing
    limit = standing.limit
    return LineJson(
        scope=standing.scope.name,
        scope_kind=standing.scope.kind,
        resource=standing.resource,
        limit=None if limit is None else _written(limit.hard),
        soft=None if limit is None or limit.soft is None else str(limit.soft),
        used=str(standing.used),
        reserved=str(standing.reserved),
        before=str(line.before),
        requested=None if line.requested is None else str(line.requested),
        after=None if line.after is None else str(line.after),
        shortfall=None if line.shortfall is None else str(line.shortfall),
        largest=_written(largest),
        verdict=line.verdict,
        reason=line.reason,
    )


def _item_json(violation: ItemViolation) -> ItemViolationJson:
    return ItemViolationJson(
        item=violation.item,
        resource=violation.resource,
        requested=None if violation.amount is None else str(violation.amount),
        minimum=None if violation.minimum is None else str(violation.minimum),
        maximum=None if violation.maximum is None else str(violation.maximum),
        verdict="denied",
        reason=violation.reason,
    )


def _written(amount: int | Unlimited) -> str:
    return amount.value if isinstance(amount, Unlimited) else str(amount)


_DIGITS = re.compile(r"[0-9]{1,30}")
_REASONS = (
    *("over_hard", "over_soft", "grace_over", "no_limit", "below_minimum", "above_maximum", "unknown_amount"),
    None,
)


def _check_line(value: object, path: str) -> None:
    line = _mapping(value, path)
    _field(line, "scope", str, path)
    if line.get("scope_kind") not in ("project", "host"):
        raise _malformed(f"{path}.scope_kind", '"project" or "host"')
    if line.get("verdict") not in ("fits", "warns", "denied"):
        raise _malformed(f"{path}.verdict", '"fits", "warns" or "denied"')
    _check_reason(line, path)
    _amounts(line, ("used", "reserved", "before"), ("soft", "requested", "after", "shortfall"), path)
    for name in ("limit", "largest"):
        if line.get(name) != "unlimited":
            _amounts(line, (), (name,), path)


def _check_item(value: object, path: str) -> None:
    violation = _mapping(value, path)
    _field(violation, "item", str, path)
    _check_reason(violation, path)
    _amounts(violation, (), ("requested", "minimum", "maximum"), path)


def _check_reason(fields: Mapping[str, object], path: str) -> None:
    if "reason" not in fields or fields["reason"] not in _REASONS:
        raise _malformed(f"{path}.reason", "a reason that this version knows")


def _amounts(fields: Mapping[str, object], always: Sequence[str], known: Sequence[str], path: str) -> None:
    try:
        check_resource(fields.get("resource"))
    except InvalidResource as error:
        raise _malformed(f"{path}.resource", "a resource") from error
    for name in (*always, *known):
        amount = fields.get(name, "")
        if amount is None and name in known:
            continue
        if not isinstance(amount, str) or not _DIGITS.fullmatch(amount):
            raise _malformed(f"{path}.{name}", "an amount as a string of digits")


def _mapping(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _malformed(path, "an object")
    return value


def _list(fields: Mapping[str, object], name: str, path: str) -> list[object]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise _malformed(f"{path}.{name}", "a list")
    return value


def _field(fields: Mapping[str, object], name: str, kind: type | tuple[type, ...], path: str) -> None:
    if name not in fields or not isinstance(fields[name], kind):
        raise _malformed(f"{path}.{name}", "present and of the right type")


def _malformed(path: str, expected: str) -> InvalidSpec:
    return InvalidSpec(f"{path} is not what limen-api answers: it must be {expected}; check its version")
