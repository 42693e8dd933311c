"""A report as annotations of a GitHub workflow run: one command a line."""

from collections.abc import Iterator

from limen.preview import urns
from limen.preview.escaping import command
from limen.preview.model import Report

_GRAVE = ("data loss", "delete", "replace")
MOST = 50
"""GitHub shows ten of each kind a step; more only make the log long."""


def render(report: Report) -> str:
    """The commands, each in a line, the gravest first."""
    commands = list(_commands(report))
    kept = commands[:MOST]
    if len(commands) > MOST:
        kept.append(
            command("notice", report.name, f"{len(commands) - MOST} more left out here: see the JSON.")
        )
    return "".join(f"{line}\n" for line in kept)


def _commands(report: Report) -> Iterator[str]:
    if report.verdict == "denied":
        yield command("error", f"{report.name}: quota", report.denial or report.summary)
    for each in report.errors:
        urn = urns.parse(each.urn)
        yield command("error", f"{report.name}: {urn.name or 'preview'}", each.message)
    violations = report.policies.violations if report.policies else ()
    for violation in violations:
        name = urns.parse(violation.resource).name
        title = f"{report.name}: policy {violation.policy}"
        message = f"{name}: {violation.message}" if name else violation.message
        yield command("error" if violation.mandatory else "warning", title, message)
    for effect in report.effects:
        if effect.way in _GRAVE:
            yield command("warning", f"{report.name}: {effect.way}", f"{effect.subject} {effect.sentence}")
    for warning in report.warnings:
        yield command("warning", report.name, warning)
    if report.verdict == "fits":
        yield command("notice", report.name, report.summary or "The preview fits.")
