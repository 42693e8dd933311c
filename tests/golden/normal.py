"""Captured documents without what differs from run to run and from machine to machine."""

import json
import re
from collections.abc import Mapping
from typing import Any

from limen.quota.explain import text

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
# The engine's own: a value that is not known yet.
_KEPT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# Outputs, times, stack traces and style sheets fill files, and are in no report.
_STATE = (
    "urn",
    "type",
    "custom",
    "parent",
    "protect",
    "retainOnDelete",
    "dependencies",
    "propertyDependencies",
)
_HOST_LIMITS = {"vcpus": "64"}
_HOST_BYTES = str(2**40)
_EVENTS = ("policyEvent", "policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent", "summaryEvent")


def normal(documents: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    """`{preview, decision, events}` with names in place of UUIDs, checksums and `paths` (text -> name)."""
    pruned = {
        "preview": _preview(documents["preview"]),
        "decision": _decision(documents["decision"]),
        "events": _events(documents["events"]),
    }
    written = json.dumps(pruned, sort_keys=True)
    for path, name in sorted(paths.items(), key=lambda each: -len(each[0])):
        written = written.replace(path, name)
    seen: dict[str, str] = {_KEPT: _KEPT}

    def uuid(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"00000000-0000-4000-8000-{len(seen):012}")

    result: dict[str, Any] = json.loads(_SHA256.sub("0" * 64, _UUID.sub(uuid, written)))
    return result


def _preview(digest: Mapping[str, Any]) -> dict[str, Any]:
    steps = sorted(map(_step, digest.get("steps") or ()), key=lambda step: (step["urn"], step["op"]))
    diagnostics = sorted(digest.get("diagnostics") or (), key=lambda each: str(each.get("urn")))
    kept = {name: digest[name] for name in ("config", "changeSummary") if name in digest}
    return {**kept, "steps": steps, "diagnostics": diagnostics}


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in step.items() if name not in ("oldState", "newState", "provider")}
    return kept | {name: _state(step[name]) for name in ("oldState", "newState") if name in step}


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: state[name] for name in _STATE if name in state}
    kept["dependencies"] = sorted(kept.get("dependencies", ()))
    inputs = {name: value for name, value in (state.get("inputs") or {}).items() if name != "xml"}
    return {**kept, "inputs": inputs}


def _decision(decision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the host of these tests is called and has is its own affair."""
    if decision is None:
        return None
    lines = {name: list(map(_line, decision[name])) for name in ("lines", "warnings", "violations")}
    result: Any = {**decision, **lines}
    result["text"] = text(result)
    return dict(result)


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    if line.get("scope_kind") != "host":
        return dict(line)
    limit = _HOST_LIMITS.get(line["resource"], _HOST_BYTES)
    # What other tests hold there is none of ours.
    own = {"used": line["before"], "reserved": "0"}
    return {**line, **own, "scope": "lab", "limit": limit}


def _events(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = []
    for event in events:
        for name in _EVENTS:
            if name in event:
                said = {key: value for key, value in event[name].items() if key != "durationSeconds"}
                said.pop("PolicyPacks", None)
                kept.append({name: said})
    return sorted(kept, key=lambda event: ("summaryEvent" in event, json.dumps(event, sort_keys=True)))
