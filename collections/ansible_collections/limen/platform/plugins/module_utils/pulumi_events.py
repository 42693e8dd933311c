# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""The events of Pulumi's engine: what changed, what failed, how it goes. Pure: events in, values out."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

QUIET = frozenset(("same", "read", "refresh", "discard-replaced", "read-discard", "remove-pending-replace"))
"""Operations that change nothing that a user sees."""

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105  marks a secret in a state, is none
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_LONGEST = 300
_DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "replace": "replacing",
    "create-replacement": "creating anew",
    "delete-replaced": "deleting the old",
    "import": "importing",
}
_PLANNED = {
    "create": "to be created",
    "update": "to be updated",
    "delete": "to be deleted",
    "replace": "to be replaced",
    "create-replacement": "to be created anew",
    "delete-replaced": "the old to be deleted",
    "import": "to be imported",
}
_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "create-replacement": "created anew",
    "delete-replaced": "deleted the old",
    "import": "imported",
}
# What the engine says once more after the resources have said it.
_ECHOES = ("update failed", "preview failed", "destroy failed", "refresh failed")


@dataclass
class Change:
    """One resource's change: `before` and `after` are the properties that differ, None where there is no
    such resource.
    """

    urn: str
    type: str
    name: str
    op: str
    before: dict[str, t.Any] | None = None
    after: dict[str, t.Any] | None = None

    def summary(self) -> dict[str, t.Any]:
        properties = sorted({*(self.before or {}), *(self.after or {})}) if self.op == "update" else []
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "op": self.op,
            "properties": properties,
        }


@dataclass
class Report:
    """What a run came to. `counts` are operations as the engine counted them at its end, if it `finished`;
    `done` is how many were seen to be carried out.
    """

    changes: list[Change] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    finished: bool = False
    done: int = 0

    @property
    def changed(self) -> bool:
        """Whether the engine changed something, or would."""
        if self.finished:
            return any(count for op, count in self.counts.items() if op not in QUIET)
        return self.done > 0

    def diff(self) -> dict[str, t.Any]:
        """The resource diff, as Ansible draws one."""
        before = {f"{each.type} {each.name}": each.before for each in self.changes if each.before is not None}
        after = {f"{each.type} {each.name}": each.after for each in self.changes if each.after is not None}
        return {"before": before, "after": after, "before_header": "state", "after_header": "program"}


def read(lines: t.Iterable[str]) -> Report:
    """The report of an event log, one JSON document a line; a last line that was cut off is left out."""
    report = Report()
    found: dict[tuple[str, str], Change] = {}
    for line in lines:
        event = parse(line)
        if "summaryEvent" in event:
            report.counts = dict(event["summaryEvent"].get("resourceChanges") or {})
            report.finished = True
        elif "diagnosticEvent" in event:
            _diagnose(event["diagnosticEvent"], report)
        elif "policyEvent" in event:
            _judge(event["policyEvent"], report)
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            metadata = event.get(kind, {}).get("metadata")
            if metadata is None or metadata["op"] in QUIET:
                continue
            report.done += kind == "resOutputsEvent" and not event[kind].get("planning", False)
            found.setdefault((metadata["urn"], metadata["op"]), _change(metadata))
    # A replacement is told in three steps: of these, the one that names it is kept.
    replaced = {urn for urn, op in found if op == "replace"}
    report.changes = [
        change
        for (urn, op), change in found.items()
        if not (urn in replaced and op in ("create-replacement", "delete-replaced"))
    ]
    return report


def parse(line: str) -> dict[str, t.Any]:
    """One event, {} for what is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def progress(event: t.Mapping[str, t.Any]) -> str:
    """What to tell somebody who waits, "" for an event that is not worth a line."""
    if "resourcePreEvent" in event:
        planning = event["resourcePreEvent"].get("planning", False)
        return _step(event["resourcePreEvent"]["metadata"], _PLANNED if planning else _DOING)
    if "resOutputsEvent" in event and not event["resOutputsEvent"].get("planning"):
        return _step(event["resOutputsEvent"]["metadata"], _DONE)
    if "resOpFailedEvent" in event:
        metadata = event["resOpFailedEvent"]["metadata"]
        return f"{short_type(metadata['type'])} {urn_name(metadata['urn'])}: failed"
    if "diagnosticEvent" in event:
        said = event["diagnosticEvent"]
        if said.get("severity") in ("info", "warning") and not said.get("ephemeral"):
            text = " ".join(str(said.get("message", "")).split())
            return f"{urn_name(said['urn'])}: {text}" if said.get("urn") else text
    return ""


def urn_name(urn: str) -> str:
    return urn.rpartition("::")[2]


def short_type(token: str) -> str:
    """`libvirt:index/domain:Domain` as `libvirt:Domain`."""
    package, _colon, rest = token.partition(":")
    return f"{package}:{rest.rpartition(':')[2]}"


def _step(metadata: t.Mapping[str, t.Any], words: t.Mapping[str, str]) -> str:
    op = metadata["op"]
    return (
        ""
        if op in QUIET
        else f"{short_type(metadata['type'])} {urn_name(metadata['urn'])}: {words.get(op, op)}"
    )


def _diagnose(said: t.Mapping[str, t.Any], report: Report) -> None:
    text = str(said.get("message", "")).strip()
    severity = said.get("severity")
    if severity == "error" and text and text not in _ECHOES:
        # The engine's frame around what a provider's Check has to say.
        told = text.partition("has a problem: ")[2] or text
        if not told.startswith("Denied:") and said.get("urn"):
            told = f"{urn_name(said['urn'])}: {told}"
        if told not in report.errors:
            report.errors.append(told)
    elif severity == "warning" and text and text not in report.warnings:
        report.warnings.append(text)


def _judge(violation: t.Mapping[str, t.Any], report: Report) -> None:
    """A policy pack's verdict."""
    text = f"policy {violation.get('policyName')}: {str(violation.get('message', '')).strip()}"
    mandatory = violation.get("enforcementLevel") == "mandatory"
    (report.errors if mandatory else report.warnings).append(text)


def _change(metadata: t.Mapping[str, t.Any]) -> Change:
    op, old, new = metadata["op"], metadata.get("old") or {}, metadata.get("new") or {}
    change = Change(metadata["urn"], metadata["type"], urn_name(metadata["urn"]), op)
    before, after = _inputs(old), _inputs(new)
    if op in ("create", "create-replacement", "import"):
        change.after = after
    elif op in ("delete", "delete-replaced"):
        change.before = before
    else:
        names = _differing(metadata, old, new)
        change.before = {name: before[name] for name in names if name in before}
        change.after = {name: after[name] for name in names if name in after}
    return change


def _differing(
    metadata: t.Mapping[str, t.Any], old: t.Mapping[str, t.Any], new: t.Mapping[str, t.Any]
) -> list[str]:
    """Top-level properties that differ: as the provider said, else by comparing."""
    told = [*(metadata.get("detailedDiff") or {}), *(metadata.get("diffs") or ())]
    names = {path.partition(".")[0].partition("[")[0] for path in told} - {""}
    if not names:
        before, after = old.get("inputs") or {}, new.get("inputs") or {}
        names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return sorted(names)


def _inputs(state: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a person may read: secrets and what is not known yet are named as such, long texts are cut."""
    inputs = state.get("inputs") or state.get("outputs") or {}
    return {name: _readable(value) for name, value in sorted(inputs.items()) if not name.startswith("__")}


def _readable(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        if _SECRET in value:
            return "[secret]"
        return {name: _readable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_readable(each) for each in value]
    if value == _UNKNOWN:
        return "(known after the change)"
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}... ({len(value)} characters)"
    return value
