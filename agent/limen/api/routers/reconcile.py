"""Reconciliation: what ledger and hosts do not agree on, and repair as told."""

from fastapi import APIRouter

from limen.api.answering import answering
from limen.api.context import Caller, PartsIn, find_host
from limen.api.repairs import carry_out
from limen.api.schemas import answers
from limen.api.schemas.fields import Json
from limen.api.schemas.reconcile import Repairs, finding_json, is_base_image

router = APIRouter(prefix="/api/reconcile", tags=["reconcile"])


@router.get("", **answering(answers.Findings))
def list_findings(caller: Caller, parts: PartsIn, host: str | None = None) -> Json:
    """Findings of the last scans in projects that the caller sees; orphans belong to administrators."""
    caller.require_scope("quota:read")
    found = parts.ledger.observations.findings(None if host is None else find_host(parts.ledger, host).id)
    seen = [
        finding
        for finding in found
        if (caller.sees_everything if finding.project is None else caller.sees(finding.project))
        and not is_base_image(finding)
    ]
    unreachable = [each.name for each in parts.ledger.hosts.list() if parts.observers.status(each.id).error]
    return {"findings": [finding_json(finding) for finding in seen], "unreachable": unreachable}


@router.post("", **answering(answers.RepairResults))
def repair(body: Repairs, caller: Caller, parts: PartsIn) -> Json:
    """Do what is told, each by itself, and answer what was done and what was not. No host is touched."""
    caller.require_administrator("hosts:write")
    results = carry_out(parts.ledger, body.repair, caller.user, check=body.check)
    if not body.check:
        # What was given up goes with the next scan: it need not wait for the minute.
        for host in {each.finding.host for each in results if each.finding and each.problem is None}:
            parts.observers.request_quietly(host)
    return {
        "results": [
            {
                "finding": each.repair.finding,
                "action": each.repair.action,
                "done": each.problem is None,
                "detail": each.problem,
                "claim": each.claim,
                "decision": each.decision,
            }
            for each in results
        ]
    }
