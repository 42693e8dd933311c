"""Previews, decisions and event logs as the engine and limen-api write them, made by hand for unit tests."""

import json
from pathlib import Path
from typing import Any

from limen.quota.explain import text

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "reports"
CLAIM = "2707696a-cb76-47a3-b42c-b410f53758d3"
STACK = "urn:pulumi:dev::shop::"
VM = "limen:index:VirtualMachine"
DOMAIN, VOLUME = "libvirt:index/domain:Domain", "libvirt:index/volume:Volume"
NETWORK = "libvirt:index/network:Network"
ADMISSION = f"{STACK}{VM}$limen:index:Admission::vm:web"
MEBIBYTE = 1024 * 1024


def urn(kind: str, name: str) -> str:
    return f"{STACK}{kind}::{name}"


def step(op: str, kind: str, name: str, parent: str = "", **state: Any) -> dict[str, Any]:
    """A step of a resource that hangs on an admission."""
    where = f"{STACK}{parent.partition('::')[0]}${kind}::{name}" if parent else urn(kind, name)
    whole = {
        "urn": where,
        "type": kind,
        "custom": True,
        "parent": f"{STACK}{parent}" if parent else "",
        "dependencies": [ADMISSION],
        **state,
    }
    sides = {"create": ("newState",), "delete": ("oldState",)}.get(op, ("oldState", "newState"))
    return {"op": op, "urn": where, **dict.fromkeys(sides, whole), "detailedDiff": None}


def digest(*steps: dict[str, Any], said: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    root = {"op": "same", "urn": urn("pulumi:pulumi:Stack", "shop-dev")}
    counts: dict[str, int] = {}
    for each in steps:
        counts[each["op"]] = counts.get(each["op"], 0) + 1
    return {
        "config": {},
        "steps": [root, *steps],
        "diagnostics": list(said),
        "duration": 5,
        "changeSummary": counts,
    }


def diagnostic(severity: str, message: str, about: str = "") -> dict[str, Any]:
    return {"urn": about, "severity": severity, "message": f"{severity}: {message}\n"}


def denial(sentence: str = "Denied: project demo may not use 1 more vm.") -> dict[str, Any]:
    problem = f"limen:index:QuotaClaim resource 'quota' has a problem: {sentence}"
    return diagnostic("error", problem, urn("limen:index:QuotaClaim", "quota"))


def line(resource: str, limit: int, used: int, before: int, after: int, **changes: Any) -> dict[str, Any]:
    denied = used - before + after > limit
    return {
        "scope": "demo",
        "scope_kind": "project",
        "resource": resource,
        "limit": str(limit),
        "soft": None,
        "used": str(used),
        "reserved": "0",
        "before": str(before),
        "requested": str(max(0, after - before)),
        "after": str(after),
        "shortfall": str(max(0, used - before + after - limit)),
        "largest": str(max(0, limit - used)),
        "verdict": "denied" if denied else "fits",
        "reason": "over_hard" if denied else None,
        **changes,
    }


def decision(*lines: dict[str, Any], items: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What the provider writes."""
    drawn: Any = {
        "allowed": all(each["verdict"] != "denied" for each in lines),
        "project": "demo",
        "chain": ["demo"],
        "lines": list(lines),
        "violations": [each for each in lines if each["verdict"] == "denied"],
        "warnings": [],
        "holders": [],
        "text": "",
    }
    drawn["text"] = text(drawn)
    return {**drawn, "question": {"claim": CLAIM, "project": "demo", "items": items or []}}


def policy(name: str, level: str, message: str, about: str = "") -> str:
    event = {
        "policyEvent": {
            "resourceUrn": about,
            "message": message,
            "policyName": name,
            "policyPackName": "pack",
            "enforcementLevel": level,
        }
    }
    return json.dumps(event)


def log(*events: str, passed: tuple[str, ...] = (), counts: dict[str, int] | None = None) -> str:
    """An event log."""
    judged = {"policyAnalyzeSummaryEvent": {"policyPackName": "pack", "passed": list(passed)}}
    end = {"summaryEvent": {"resourceChanges": counts or {}, "result": "succeeded"}}
    lines = [
        '{"preludeEvent":{"config":{}}}',
        json.dumps(judged),
        *events,
        json.dumps(end),
        '{"cancelEvent":{}}',
    ]
    return "\n".join(lines) + "\n"
