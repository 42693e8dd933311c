"""Explain: the same decision as at admission, without changing anything."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from limen.api.answering import answering, document
from limen.api.context import Caller, PartsIn
from limen.api.explaining import explain
from limen.api.holders import with_holders
from limen.api.schemas import answers
from limen.api.schemas.quota import Explain
from limen.quota.explain import explanation

router = APIRouter(prefix="/api/quota", tags=["quota"])


@router.post("/explain", **answering(answers.Decision))
def explain_quota(body: Explain, caller: Caller, parts: PartsIn) -> JSONResponse:
    """The decision, allowed or not, always with status 200."""
    caller.require_scope("quota:check")
    caller.require_role(body.project, "viewer")
    decision = explain(parts.ledger, caller, body)
    return document(with_holders(parts.ledger, caller, explanation(decision)))
