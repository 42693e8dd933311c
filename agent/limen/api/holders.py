"""Who holds what a denied decision lacks, within what the asker may see."""

from limen.api.access import Access
from limen.ledger import Ledger
from limen.ledger.errors import NotFound
from limen.quota.decision_json import DecisionJson
from limen.quota.explain import from_json, text


def with_holders(ledger: Ledger, access: Access, decision: DecisionJson) -> DecisionJson:
    """The same decision with holders, and its text drawn again; an admitted one stays as it is.

    A role reaches down the tree, so whoever sees a project sees every claim that it is charged for. What
    is on a host belongs to everybody: only administrators see who.
    """
    lines = [line for line in decision["violations"] if "scope" in line]
    scopes = {(line["scope_kind"], line["scope"]) for line in lines}
    ids = [found for kind, name in sorted(scopes) if (found := _scope_id(ledger, access, kind, name))]
    if not ids:
        return decision
    holders = ledger.claims.holders(ids, {line["resource"] for line in lines})
    complete = from_json(
        {
            **decision,
            "holders": [
                {
                    "claim": holder.claim,
                    "owner": holder.owner,
                    "resource": holder.resource,
                    "amount": str(holder.amount),
                }
                for holder in holders
            ],
        }
    )
    complete["text"] = text(complete)
    return complete


def _scope_id(ledger: Ledger, access: Access, kind: str, name: str) -> str | None:
    try:
        if kind == "host":
            return str(ledger.hosts.get(name).id) if access.sees_everything else None
        return str(ledger.projects.get(name).id) if access.sees(name) else None
    except NotFound:
        return None
