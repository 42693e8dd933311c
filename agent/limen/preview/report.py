"""Preview, decision and policies into one report; every format draws this and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

from limen.preview import plain, quota_table, urns
from limen.preview.effects import effects
from limen.preview.errors import NotAPreview
from limen.preview.model import Diagnostic, Policies, Preview, Report, Verdict
from limen.preview.reading import CLAIM
from limen.quota.decision_json import DecisionJson
from limen.quota.explain import summary

_DENIED = re.compile(r"\A(?:\S+ resource '[^']*' has a problem: )?(Denied:.*)", re.DOTALL)
# What the engine says once more after somebody has said it.
_ECHO = "preview failed"


def judge(
    preview: Preview,
    decision: DecisionJson | None = None,
    question: dict[str, Any] | None = None,
    policies: Policies | None = None,
    name: str = "",
) -> Report:
    """The report of a preview; raises NotAPreview where what comes with it belongs to another one.

    `name` is what the stack is called, by default as in the preview.
    """
    errors = [each for each in preview.diagnostics if each.severity == "error"]
    denials = [text for each in errors if (text := _denial(each))]
    if decision is not None:
        quota_table.require_same(preview, decision, question or {}, denied=bool(denials))
    if policies is not None and policies.counts is not None and policies.counts != preview.summary:
        raise NotAPreview("The event log is that of another preview: give both of one run.")
    failures = tuple(each for each in errors if not _denial(each) and each.message != _ECHO)
    violated = policies is not None and any(each.mandatory for each in policies.violations)
    bypassed = bool(preview.unchecked)
    if errors and not (denials or violated or failures):
        why = (
            "" if policies else " If a policy pack stopped it, its words are in the event log: see --events."
        )
        failures = (
            Diagnostic("error", "", f"The engine calls the preview failed and does not say why.{why}"),
        )
    verdict: Verdict
    if denials or bypassed:
        verdict = "denied"
    elif violated:
        verdict = "violated"
    else:
        verdict = "failed" if failures else "fits"
    # What the engine saw of changes before it gave up is chance, and would read like all of them.
    complete = not failures and not denials
    return Report(
        verdict=verdict,
        name=name or preview.name,
        program=preview.program,
        stack=preview.stack,
        summary=_summary(verdict, preview, decision, denials),
        counts=preview.counts if complete else {},
        changes=preview.changes if complete else (),
        effects=effects(preview) if complete else (),
        complete=complete,
        denial=plain.lines("\n".join(_denials(preview, decision, denials))),
        quota=quota_table.rows(decision, question or {}) if decision is not None else (),
        policies=policies,
        unknown=preview.unknown,
        errors=failures,
        warnings=tuple(each.message for each in preview.diagnostics if each.severity == "warning"),
        notes=tuple(_notes(decision, policies)),
        decision=decision,
    )


def _denial(diagnostic: Diagnostic) -> str:
    """The quota check's words, without the engine's frame; "" for another error."""
    if urns.parse(diagnostic.urn).type != CLAIM:
        return ""
    found = _DENIED.match(diagnostic.message)
    return found[1] if found else ""


def _denials(preview: Preview, decision: DecisionJson | None, denials: list[str]) -> Iterator[str]:
    if denials and decision is not None:
        yield decision["text"]
    else:
        yield from denials
    for thing in preview.unchecked:
        yield f"{thing} would be made without the quota check: declare it with pulumi_limen."


def _summary(verdict: Verdict, preview: Preview, decision: DecisionJson | None, denials: list[str]) -> str:
    """One sentence for a headline."""
    if preview.unchecked and not denials:
        return f"{len(preview.unchecked)} would be made without the quota check"
    if decision is not None and verdict != "failed":
        return plain.line(summary(decision), 2 * plain.NAME)
    if denials:
        return denials[0].partition("\n")[0]
    return ""


def _notes(decision: DecisionJson | None, policies: Policies | None) -> list[str]:
    notes = []
    if decision is None:
        notes.append(
            "No decision came with this preview, so there are no figures: set LIMEN_DECISION_FILE for "
            "`pulumi preview`, and give that file with `--decision`."
        )
    if policies is None:
        notes.append("No event log came with this preview, so nothing is known of policies: see `--events`.")
    return notes
