"""What would be decided about a claim or about bare amounts."""

from collections.abc import Mapping
from uuid import UUID, uuid4

from limen.api.access import Access
from limen.api.context import find_host, host_ids
from limen.api.problems import InvalidRequest
from limen.api.schemas.quota import Explain, ExplainItem
from limen.ledger import Ledger
from limen.ledger.errors import NotFound
from limen.ledger.values import Claim, ClaimRequest, Fingerprint, ItemRequest, Owner
from limen.quota.model import Decision

_NOBODY = Fingerprint("-", "-", "-")


def explain(ledger: Ledger, access: Access, question: Explain) -> Decision:
    """The decision that POST or PUT of the same claim would meet now; changes nothing.

    Raises NotFound for a project, claim or host that is not there (or not to be seen), InvalidRequest.
    """
    if question.amounts is not None:
        return ledger.claims.explain_amounts(question.project, question.amounts)
    items = question.items or []
    existing = _existing(ledger, access, question.claim)
    host = _host(ledger, question, existing)
    named = host_ids(ledger, {item.host for item in items if item.host is not None})
    request = ClaimRequest(
        id=existing.id if existing else UUID(question.claim) if question.claim else uuid4(),
        project=question.project,
        owner=existing.owner if existing else Owner("stack", "-"),
        fingerprint=existing.fingerprint if existing else _NOBODY,
        host=host,
        items=tuple(_item(item, named) for item in items),
    )
    return ledger.claims.explain(request)


def _existing(ledger: Ledger, access: Access, claim_id: str | None) -> Claim | None:
    """The claim that the question is about; one of a project that the caller does not see is none."""
    if claim_id is None:
        return None
    try:
        claim = ledger.claims.get(UUID(claim_id))
    except NotFound:
        return None
    if not access.sees(claim.project):
        raise NotFound(
            f"There is no claim {claim_id} that you may see: check LIMEN_TOKEN and the stack's state."
        )
    return claim


def _host(ledger: Ledger, question: Explain, existing: Claim | None) -> UUID:
    if question.host is not None:
        return find_host(ledger, question.host).id
    if existing is not None:
        return existing.host
    raise InvalidRequest("Items need a host.", [("host", "name a registered host, see `limen host list`")])


def _item(item: ExplainItem, hosts: Mapping[str, UUID]) -> ItemRequest:
    host = None if item.host is None else hosts[item.host]
    return ItemRequest(item.key, item.kind, item.name, item.amounts, host, item.volume, item.snapshot)
