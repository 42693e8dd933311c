"""Adoption: an existing domain, and its disks, become a claim of a project."""

from fastapi import APIRouter

from limen.api.answering import answering
from limen.api.context import Caller, PartsIn, find_host
from limen.api.schemas import answers
from limen.api.schemas.adoptions import NewAdoption
from limen.api.schemas.claims import claim_json
from limen.api.schemas.fields import Json

router = APIRouter(prefix="/api/adoptions", tags=["reconciliation"])


@router.post("", **answering(answers.AdmittedClaim, 201))
def adopt(body: NewAdoption, caller: Caller, parts: PartsIn) -> Json:
    """Charge a domain as it was last seen, with its disks that nobody claims; nothing is touched.

    Decided like any other claim: a denial is `quota_denied`. With `check` the claim is not made.
    """
    caller.require_administrator("hosts:write")
    host = None if body.host is None else find_host(parts.ledger, body.host).id
    domain = parts.ledger.claims.find_domain(body.domain, host)
    adopted = parts.ledger.claims.adopt(domain, body.project, caller.user, disks=True, judge_only=body.check)
    return {**claim_json(adopted.claim), "decision": adopted.decision}
