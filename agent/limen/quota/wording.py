"""The only wording of decisions. Everything here is drawn from the decision's JSON and nothing else."""

from collections.abc import Sequence

from limen.quota.decision_json import DecisionJson, HolderJson, ItemViolationJson, LineJson
from limen.quota.units import display_amount, format_amount

_SINGULAR = {"vms": "vm", "vcpus": "vcpu", "networks": "network", "snapshots": "snapshot"}


def text(decision: DecisionJson) -> str:
    """Several lines without a final newline: what was decided, the arithmetic, and who holds the rest."""
    return "\n".join(_admitted(decision) if decision["allowed"] else _denied(decision))


def summary(decision: DecisionJson) -> str:
    """One line, for logs and tables: the first violation with its figures, and how many more there are."""
    if decision["allowed"]:
        warnings = decision["warnings"]
        warned = f" ({_count(len(warnings), 'warning')})" if warnings else ""
        return f"Admitted: {_asked(decision)}{warned}"
    first, *others = decision["violations"]
    more = f"; {_count(len(others), 'more violation')}" if others else ""
    return f"Denied: {_sentence(first)}{_figures(first)}{more}"


def _denied(decision: DecisionJson) -> list[str]:
    violations = decision["violations"]
    result = [f"Denied: {_sentence(violations[0])}."]
    result += [f"        {_sentence(violation)}." for violation in violations[1:]]
    lines = [each for each in violations if "scope" in each]
    if lines:
        headers = ("", "", "limit", "used", "reserved", "requested", "over by", "would fit")
        result += ["", *_table(headers, [_denied_row(line) for line in lines])]
    held = _held(decision["holders"], lines)
    if held:
        result += ["", "Held by:", *held]
    return result


def _denied_row(line: LineJson) -> tuple[str, ...]:
    resource = line["resource"]
    if line["reason"] == "grace_over":
        limit = f"{_shown(line['soft'], resource)} (soft)"
    else:
        limit = "none set" if line["limit"] is None else _shown(line["limit"], resource)
    return (
        f"{line['scope_kind']} {line['scope']}",
        resource,
        limit,
        *(_shown(line[name], resource) for name in ("used", "reserved", "requested", "shortfall")),
        # Exact, since people copy it into the next request.
        _exact(line["largest"], resource),
    )


def _admitted(decision: DecisionJson) -> list[str]:
    result = [f"Admitted: {_asked(decision)}."]
    result += [f"Warning: {_warning(line)}." for line in decision["warnings"]]
    if decision["lines"]:
        headers = ("", "", "limit", "used", "reserved", "requested", "used then", "left then")
        result += ["", *_table(headers, [_admitted_row(line) for line in decision["lines"]])]
    return result


def _admitted_row(line: LineJson) -> tuple[str, ...]:
    resource, limit = line["resource"], line["limit"]
    total = int(line["used"]) + int(line["reserved"]) - int(line["before"]) + int(line["after"] or "0")
    if limit is None:
        left = "0"
    elif limit == "unlimited":
        left = limit
    else:
        left = str(max(0, int(limit) - total))
    return (
        f"{line['scope_kind']} {line['scope']}",
        resource,
        "none set" if limit is None else _shown(limit, resource),
        *(_shown(line[name], resource) for name in ("used", "reserved", "requested")),
        _shown(str(total), resource),
        _shown(left, resource),
    )


def _asked(decision: DecisionJson) -> str:
    """Who asked for what; the first scope's lines say how much altogether."""
    lines = decision["lines"]
    if not lines:
        return "nothing is asked for"
    first = (lines[0]["scope_kind"], lines[0]["scope"])
    wanted = [
        _more(line["requested"], line["resource"])
        for line in lines
        if (line["scope_kind"], line["scope"]) == first and line["requested"] not in (None, "0")
    ]
    if not wanted:
        return f"{first[0]} {first[1]} asks for nothing more"
    return f"{first[0]} {first[1]} may use {_join(wanted)}"


def _sentence(violation: LineJson | ItemViolationJson) -> str:
    resource, reason = violation["resource"], violation["reason"]
    if "scope" not in violation:
        item = violation["item"]
        if reason == "unknown_amount":
            return f"{item} asks for an amount of {resource} that is not known yet and has no upper bound"
        word = "at least" if reason == "below_minimum" else "at most"
        bound = violation["minimum"] if reason == "below_minimum" else violation["maximum"]
        asked = _shown(violation["requested"], resource)
        return f"{item} must have {word} {_amount_of(bound, resource)}, not {asked}"
    scope = f"{violation['scope_kind']} {violation['scope']}"
    if reason == "unknown_amount":
        return f"{scope} may not use an amount of {resource} that is not known yet and has no upper bound"
    more = _more(violation["requested"], resource)
    if violation["scope_kind"] == "host":
        lack = f"{scope} has no room for {more}"
        return f"{lack}: it has no capacity of {resource}" if reason == "no_limit" else lack
    sentence = f"{scope} may not use {more}"
    if reason == "no_limit":
        return f"{sentence}: no limit of {resource} is set, and without one none may be used"
    if reason == "grace_over":
        return f"{sentence}: it has been over its soft limit for longer than the grace period"
    return sentence


def _figures(violation: LineJson | ItemViolationJson) -> str:
    if "scope" not in violation or violation["requested"] is None:
        return ""
    row = _denied_row(violation)
    return f" (limit {row[2]}, used {row[3]}, reserved {row[4]}, at most {row[7]} more would fit)"


def _warning(line: LineJson) -> str:
    total = int(line["used"]) + int(line["reserved"]) - int(line["before"]) + int(line["after"] or "0")
    used = _amount_of(str(total), line["resource"])
    soft = _shown(line["soft"], line["resource"])
    return f"{line['scope_kind']} {line['scope']} would use {used}, over its soft limit of {soft}"


def _held(holders: Sequence[HolderJson], lines: Sequence[LineJson]) -> list[str]:
    """Rows of who holds the resources that fell short; what the asker may not see is "others".

    Where several scopes fell short of one resource, the one with the largest charge takes in the rest.
    """
    charged: dict[str, int] = {}
    for line in lines:
        charge = int(line["used"]) + int(line["reserved"])
        charged[line["resource"]] = max(charge, charged.get(line["resource"], 0))
    rows = []
    for resource, charge in charged.items():
        visible = [holder for holder in holders if holder["resource"] == resource]
        rows += [
            ("  " + holder["owner"], _amount_of(holder["amount"], resource), f"claim {holder['claim']}")
            for holder in visible
        ]
        rest = charge - sum(int(holder["amount"]) for holder in visible)
        if visible and rest > 0:
            rows.append(("  others", _amount_of(str(rest), resource), ""))
    return _columns(rows, left=(0, 1, 2))


def _shown(amount: str | None, resource: str) -> str:
    if amount is None:
        return "unknown"
    return amount if amount == "unlimited" else display_amount(int(amount), resource)


def _exact(amount: str, resource: str) -> str:
    return amount if amount == "unlimited" else format_amount(int(amount), resource)


def _amount_of(amount: str | None, resource: str) -> str:
    return f"{_shown(amount, resource)} {_noun(amount, resource)}"


def _more(amount: str | None, resource: str) -> str:
    return f"{_shown(amount, resource)} more {_noun(amount, resource)}"


def _noun(amount: str | None, resource: str) -> str:
    return _SINGULAR.get(resource, resource) if amount == "1" else resource


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return _columns([headers, *rows], left=(0, 1))


def _columns(rows: Sequence[tuple[str, ...]], left: Sequence[int]) -> list[str]:
    """Aligned text columns, two blanks apart; those not named in `left` are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
