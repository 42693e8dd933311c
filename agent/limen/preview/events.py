"""The engine's event log, for what policy packs said: the digest of a preview leaves it out."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from limen.preview import plain
from limen.preview.errors import NotAPreview
from limen.preview.model import Policies, Violation

HOW = "give the file of `pulumi preview --event-log FILE` (an option with PULUMI_DEBUG_COMMANDS=true)"
_SUMMARIES = ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent")
# Everything else (states, above all) is passed over unread.
_MARKS = ('"policyEvent"', '"summaryEvent"', *(f'"{name}"' for name in _SUMMARIES))


def read_events(lines: Iterable[str], name: str) -> Policies:
    """What the log's lines say of policies; raises NotAPreview for what is no event log, or was cut off."""
    violations: set[Violation] = set()
    judged: dict[tuple[str, str], bool] = {}
    summary: Mapping[str, Any] | None = None
    for number, line in enumerate(lines, 1):
        if not line.startswith("{"):
            raise NotAPreview(f"{name} is no event log from line {number} on: {HOW}.")
        if not any(mark in line for mark in _MARKS):
            continue
        event = _event(line, name, number)
        if isinstance(said := event.get("policyEvent"), dict):
            violation = _violation(said)
            violations.add(violation)
            judged[violation.pack, violation.policy] = False
        for kind in _SUMMARIES:
            if isinstance(said := event.get(kind), dict):
                pack = plain.line(said.get("policyPackName"))
                for policy in said.get("passed") or ():
                    judged.setdefault((pack, plain.line(policy)), True)
        if isinstance(said := event.get("summaryEvent"), dict):
            summary = said
    if summary is None:
        raise NotAPreview(f"{name} is cut off, or no event log: {HOW}, whole.")
    counts = summary.get("resourceChanges")
    return Policies(
        violations=tuple(sorted(violations, key=_place)),
        held=tuple(sorted(key for key, held in judged.items() if held)),
        failed=summary.get("result") == "failed",
        counts=counts if isinstance(counts, dict) else None,
    )


def _event(line: str, name: str, number: int) -> Mapping[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotAPreview(f"{name} is no event log from line {number} on: {HOW}.") from error
    return event if isinstance(event, dict) else {}


def _violation(said: Mapping[str, Any]) -> Violation:
    return Violation(
        pack=plain.line(said.get("policyPackName")),
        policy=plain.line(said.get("policyName")),
        # A level that is not known here is taken for the stricter one.
        mandatory=said.get("enforcementLevel")
        not in ("advisory", "warning", "remediate", "none", "disabled"),
        severity=plain.line(said.get("severity")),
        resource=plain.line(said.get("resourceUrn"), 4 * plain.NAME),
        message=plain.lines(said.get("message")),
    )


def _place(violation: Violation) -> tuple[bool, str, str, str, str]:
    mandatory = not violation.mandatory
    return mandatory, violation.pack, violation.policy, violation.resource, violation.message
