"""A report as JSON, for programs; its shape is in docs/architecture.md."""

from dataclasses import asdict
from typing import Any, cast

from limen.preview.escaping import json_text
from limen.preview.model import Change, Policies, Report
from limen.quota.decision_json import DecisionJson

VERSION = 1


def render(report: Report) -> str:
    """The document, ending in a newline."""
    return json_text(document(report)) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as JSON values, the same in each run of the same preview."""
    decision = report.decision
    if decision is not None:
        # Whoever asked for a stack that is not there yet made its claim's id at random.
        decision = cast(DecisionJson, {name: value for name, value in decision.items() if name != "question"})
    return {
        "version": VERSION,
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "name": report.name,
        "program": report.program,
        "stack": report.stack,
        "summary": report.summary,
        "complete": report.complete,
        "counts": report.counts,
        "changes": [_change(change) for change in report.changes],
        "effects": [asdict(effect) for effect in report.effects],
        "quota": [asdict(row) for row in report.quota],
        "decision": decision,
        "policies": None if report.policies is None else _policies(report.policies),
        "denial": report.denial,
        "unknown": list(report.unknown),
        "errors": [{"urn": each.urn, "message": each.message} for each in report.errors],
        "warnings": list(report.warnings),
        "notes": list(report.notes),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "op": change.op,
        "type": change.type,
        "name": change.name,
        "urn": change.urn,
        "properties": list(change.properties),
        "replaced_for": list(change.reasons),
    }


def _policies(policies: Policies) -> dict[str, Any]:
    return {
        "violations": [asdict(violation) for violation in policies.violations],
        "held": [{"pack": pack, "policy": policy} for pack, policy in policies.held],
    }
