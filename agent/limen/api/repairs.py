"""Carry out what a repair was told to do about a finding."""

from dataclasses import dataclass

from limen.api.schemas.reconcile import Repair, actions, is_base_image
from limen.ledger import Ledger
from limen.ledger.adoption import Thing
from limen.ledger.errors import Conflict, Denied, NotFound
from limen.ledger.values import Claim, ClaimRequest, Finding, ItemRequest
from limen.quota.decision_json import DecisionJson
from limen.quota.errors import LimenError
from limen.quota.explain import explanation


@dataclass(frozen=True)
class Repaired:
    """What became of a repair: `problem` None when it was done, or would be.

    `decision` is what the quota check said, None where it was not asked.
    """

    repair: Repair
    finding: Finding | None
    problem: str | None = None
    decision: DecisionJson | None = None
    claim: str | None = None


def carry_out(ledger: Ledger, repairs: list[Repair], actor: str, *, check: bool) -> list[Repaired]:
    """Do each by itself, or with `check` only say what would be done; one failure stops no other."""
    findings = {finding.id: finding for finding in ledger.observations.findings()}
    return [_attempt(ledger, findings.get(repair.finding), repair, actor, check) for repair in repairs]


def _attempt(ledger: Ledger, finding: Finding | None, repair: Repair, actor: str, check: bool) -> Repaired:
    try:
        if finding is None:
            raise NotFound("This finding is there no more: read the findings again.")
        if repair.action not in actions(finding) or is_base_image(finding):
            raise Conflict(
                f"{repair.action} can't be done about a {finding.kind}: see the finding's actions."
            )
        if repair.action == "adopt":
            return _adopt(ledger, finding, repair, actor, check)
        return _repair(ledger, finding, repair, actor, check)
    except Denied as denied:
        return Repaired(repair, finding, str(denied), denied.decision)
    except LimenError as error:
        return Repaired(repair, finding, str(error))


def _adopt(ledger: Ledger, finding: Finding, repair: Repair, actor: str, check: bool) -> Repaired:
    thing = Thing(finding.host, finding.item_kind, finding.identity)
    adopted = ledger.claims.adopt(thing, str(repair.project), actor, judge_only=check)
    return Repaired(repair, finding, None, adopted.decision, None if check else str(adopted.claim.id))


def _repair(ledger: Ledger, finding: Finding, repair: Repair, actor: str, check: bool) -> Repaired:
    """One of the repairs of an item that a claim holds."""
    if finding.claim is None or finding.key is None:
        raise Conflict("No claim holds this: read the findings again.")
    claim, decision = ledger.claims.get(finding.claim), None
    if repair.action == "claim":
        grown = _grown(claim, finding.key, finding)
        if check:
            decision = explanation(ledger.claims.explain(grown))
            if not decision["allowed"]:
                raise Denied(decision)
        else:
            decision = ledger.claims.change(grown, claim.generation, actor).decision
    elif repair.action == "lower" and not check:
        ledger.claims.lower_item(claim.id, finding.key, finding.observed, actor)
    elif repair.action == "release" and not check:
        ledger.claims.settle_item(claim.id, finding.key, actor)
    if not check:
        detail = {"finding": finding.id, "kind": finding.kind, "action": repair.action, "key": finding.key}
        ledger.audit.append(actor, "reconcile.repair", detail, claim.project, claim.id)
    return Repaired(repair, finding, None, decision, str(claim.id))


def _grown(claim: Claim, key: str, finding: Finding) -> ClaimRequest:
    item = claim.item(key)
    if item is None:
        raise NotFound("The claim does not hold this item any more: read the findings again.")
    wanted = ItemRequest(key, item.kind, item.name, finding.observed, item.host, item.volume, item.snapshot)
    return ClaimRequest(claim.id, claim.project, claim.owner, claim.fingerprint, claim.host, (wanted,))
