"""A report as a comment of a pull request: short, the details folded, never larger than GitHub takes."""

from collections.abc import Iterable, Sequence

from limen.preview import urns
from limen.preview.escaping import block, code, comment
from limen.preview.model import Change, Effect, Policies, Report, Verdict, Violation

MOST_BYTES = 65_536
"""GitHub refuses more characters; a character has one byte at least."""

# Bytes that the rows of each section may take; with the frame, and a denial, they stay below MOST_BYTES.
_ERRORS, _EFFECTS, _VIOLATIONS, _QUOTA, _CHANGES = 10_000, 14_000, 10_000, 8_000, 10_000
_WARNINGS, _UNKNOWN = 4_000, 1_500

_HEADLINES: dict[Verdict, str] = {
    "fits": "fits",
    "denied": "is denied by the quota check",
    "violated": "violates a policy",
    "failed": "could not be previewed",
}
# Resources that only say what others are: components, what is admitted, and what is told by its effect.
_RECORDS = ("QuotaClaim", "Admission", "DomainMetadata", "DomainSize", "VolumeSize")
_SHOWN = 12
"""Properties and names that one row names."""


def marker(report: Report) -> str:
    """The hidden line by which a workflow finds its own comment of this stack."""
    return f"<!-- limen:preview-report {comment(report.name)} -->"


def render(report: Report) -> str:
    """The comment, ending in a newline."""
    parts = [
        marker(report),
        f"### {code(report.name) if report.name else 'The stack'} {_headline(report)}",
        _lead(report),
        *_denial(report),
        *_errors(report),
        _effects(report),
        *_quota(report),
        *_policies(report.policies),
        *_changes(report),
        *_warnings(report.warnings),
        *_unknown(report.unknown),
        *report.notes,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(report: Report) -> str:
    words = _HEADLINES[report.verdict]
    return f"{words}, and destroys data" if report.loses_data else words


def _lead(report: Report) -> str:
    counted = ", ".join(f"{count} to {_plain(op)}" for op, count in list(report.counts.items())[:_SHOWN])
    planned = f"{counted}." if counted else "Nothing changes."
    if not report.complete:
        planned = "The preview ended early: what it would change is not known."
    return f"{planned} {code(report.summary) if report.summary else ''}".strip()


def _plain(op: str) -> str:
    return op if op.replace("-", "").isalpha() and op.isascii() else code(op)


def _denial(report: Report) -> list[str]:
    return [block(report.denial)] if report.denial else []


def _errors(report: Report) -> list[str]:
    if not report.errors:
        return []
    said = []
    for error in report.errors:
        urn = urns.parse(error.urn)
        about = f"**{code(f'{urns.short_type(urn.type)} {urn.name}')}**\n\n" if urn.type else ""
        said.append(about + block(error.message))
    kept, left = _fitting(said, _ERRORS)
    return ["#### Why the preview failed", *kept, *_left(left, "error", "errors")]


def _effects(report: Report) -> str:
    if not report.effects:
        if not report.complete or not report.changes:
            return ""
        return "No VM is replaced or restarted, and no data is lost."
    rows, left = _fitting([_effect(effect) for effect in report.effects], _EFFECTS)
    parts = ["#### What happens to VMs and data", _table(("", "what", ""), rows)]
    return "\n\n".join([*parts, *_left(left, "effect", "effects")])


def _effect(effect: Effect) -> str:
    way = f"**{effect.way}**" if effect.way in ("data loss", "delete", "replace") else effect.way
    return _row((way, code(effect.subject), code(effect.sentence)))


def _quota(report: Report) -> list[str]:
    if not report.quota:
        return []
    rows = [
        _row(
            (
                code(row.scope),
                row.resource if row.resource.isalpha() else code(row.resource),
                row.limit,
                row.before,
                row.peak,
                row.after or "-",
                row.verdict if row.verdict == "fits" else f"**{row.verdict}**",
            )
        )
        for row in report.quota
    ]
    kept, left = _fitting(rows, _QUOTA)
    head = ("scope", "resource", "limit", "before", "peak", "after", "")
    body = [
        _table(head, kept, right=(2, 3, 4, 5)),
        *_left(left, "line", "lines"),
        "What the whole scope is charged. The peak is held while old and new are both there: it has to fit.",
    ]
    return [_folded("Quota before, at the peak and after", body, opened=report.verdict == "denied")]


def _unknown(sentences: Sequence[str]) -> list[str]:
    kept, left = _fitting([f"- {code(sentence)}" for sentence in sentences], _UNKNOWN)
    return ["\n".join(kept), *_left(left, "size", "sizes")] if sentences else []


def _policies(policies: Policies | None) -> list[str]:
    if policies is None:
        return []
    stops = sum(each.mandatory for each in policies.violations)
    advice = len(policies.violations) - stops
    if not policies.violations and not policies.held:
        return ["No policy pack was run."]
    title = f"Policies: {stops} violated, {advice} with advice, {len(policies.held)} held"
    rows, left = _fitting([_violation(each) for each in policies.violations], _VIOLATIONS)
    held = [f"{pack}/{policy}" for pack, policy in policies.held]
    body = [
        _table(("", "policy", "resource", ""), rows) if rows else "",
        *_left(left, "result", "results"),
        f"Held: {_listed(held)}." if held else "",
    ]
    return [_folded(title, body, opened=stops > 0)]


def _violation(violation: Violation) -> str:
    urn = urns.parse(violation.resource)
    level = "**violated**" if violation.mandatory else "advice"
    about = f"{urns.short_type(urn.type)} {urn.name}" if urn.type else ""
    severity = f" ({code(violation.severity)})" if violation.severity else ""
    message = " ".join(violation.message.split())[:800]
    return _row((level + severity, code(f"{violation.pack}/{violation.policy}"), code(about), code(message)))


def _changes(report: Report) -> list[str]:
    if not report.changes:
        return []
    things = [change for change in report.changes if not _is_record(change)]
    rows, left = _fitting([_change(change) for change in things], _CHANGES)
    records = len(report.changes) - len(things)
    count = len(report.changes)
    body = [
        _table(("", "type", "name", "what differs"), rows) if rows else "",
        *_left(left, "change", "changes"),
        f"And {records} of Limen's own records and components." if records else "",
    ]
    return [_folded(f"{count} change{'' if count == 1 else 's'}", body)]


def _is_record(change: Change) -> bool:
    package, _colon, rest = change.type.partition(":")
    return not change.custom or (package == "limen" and rest.rpartition(":")[2] in _RECORDS)


def _change(change: Change) -> str:
    differs = _listed(change.reasons or change.properties) if change.op not in ("create", "delete") else ""
    return _row((_plain(change.op), code(urns.short_type(change.type)), code(change.name), differs or "-"))


def _warnings(warnings: Sequence[str]) -> list[str]:
    if not warnings:
        return []
    kept, left = _fitting([block(each) for each in warnings], _WARNINGS)
    count = len(warnings)
    body = [*kept, *_left(left, "warning", "warnings")]
    return [_folded(f"{count} warning{'' if count == 1 else 's'}", body)]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(code(name) for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _folded(title: str, body: Iterable[str], opened: bool = False) -> str:
    """`title` is ours; the blank line is what makes Markdown of what follows."""
    parts = (
        f"<details{' open' if opened else ''}>\n<summary>{title}</summary>",
        *(each for each in body if each),
        "</details>",
    )
    return "\n\n".join(parts)


def _fitting(rows: Sequence[str], most: int) -> tuple[list[str], int]:
    """As many of the first rows as `most` bytes hold, and how many are left out."""
    kept: list[str] = []
    for row in rows:
        most -= len(row.encode()) + 2
        if most < 0:
            break
        kept.append(row)
    return kept, len(rows) - len(kept)


def _left(count: int, one: str, many: str) -> list[str]:
    if not count:
        return []
    return [
        f"{count} more {one if count == 1 else many} left out here, since a comment has an end: see the JSON."
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: Sequence[str], rows: Sequence[str], right: Sequence[int] = ()) -> str:
    rule = _row(["--:" if index in right else "---" for index in range(len(head))])
    return "\n".join((_row(head), rule, *rows))
