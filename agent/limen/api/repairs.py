"""Carry out what a repair was told to do about a finding."""

from limen.api.schemas.reconcile import Action, Repair, actions
from limen.ledger import Ledger
from limen.ledger.errors import Conflict, NotFound
from limen.ledger.values import Claim, ClaimRequest, Finding, ItemRequest
from limen.quota.errors import LimenError


def carry_out(ledger: Ledger, repairs: list[Repair], actor: str) -> list[tuple[Repair, str | None]]:
    """Each repair with None, or a sentence why it was not done; one failure stops no other."""
    findings = {finding.id: finding for finding in ledger.observations.findings()}
    return [
        (repair, _attempt(ledger, findings.get(repair.finding), repair.action, actor)) for repair in repairs
    ]


def _attempt(ledger: Ledger, finding: Finding | None, action: Action, actor: str) -> str | None:
    try:
        if finding is None:
            raise NotFound("This finding is there no more: read the findings again.")
        if action not in actions(finding) or finding.claim is None or finding.key is None:
            raise Conflict(f"{action} can't be done about a {finding.kind}: see the finding's actions.")
        claim = ledger.claims.get(finding.claim)
        _repair(ledger, finding, claim, finding.key, action, actor)
        detail = {"finding": finding.id, "kind": finding.kind, "action": action, "key": finding.key}
        ledger.audit.append(actor, "reconcile.repair", detail, claim.project, claim.id)
    except LimenError as error:
        return str(error)
    return None


def _repair(ledger: Ledger, finding: Finding, claim: Claim, key: str, action: Action, actor: str) -> None:
    match action:
        case "release":
            ledger.claims.settle_item(claim.id, key, actor)
        case "lower":
            ledger.claims.admit_item(claim.id, key, finding.observed, finding.host, actor)
        case "claim":
            ledger.claims.change(_grown(claim, key, finding), claim.generation, actor)


def _grown(claim: Claim, key: str, finding: Finding) -> ClaimRequest:
    item = claim.item(key)
    if item is None:
        raise NotFound("The claim does not hold this item any more: read the findings again.")
    wanted = ItemRequest(key, item.kind, item.name, finding.observed, item.host, item.volume, item.snapshot)
    return ClaimRequest(claim.id, claim.project, claim.owner, claim.fingerprint, claim.host, (wanted,))
