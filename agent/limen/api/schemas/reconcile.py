"""Documents of reconciliation."""

from typing import Annotated, Literal

from pydantic import Field

from limen.api.schemas.claims import strings
from limen.api.schemas.fields import Document, Json, Text
from limen.ledger.values import Finding

Action = Literal["release", "lower", "claim"]


class Repair(Document):
    """`finding` is the id that GET answered, `action` one of those that it offers."""

    finding: Text
    action: Action


class Repairs(Document):
    repair: Annotated[list[Repair], Field(min_length=1, max_length=500)]


def actions(finding: Finding) -> list[Action]:
    """What can be told to be done: `release` a claimed thing that is gone, `lower` a claim to what is seen,
    `claim` what is seen beyond the claim (which the quota check may deny)."""
    if finding.claim is None or finding.key is None:
        return []
    if finding.kind == "ghost":
        return ["release"]
    if finding.kind == "drift":
        above = any(amount > finding.claimed.get(name, 0) for name, amount in finding.observed.items())
        return ["claim"] if above else ["lower"]
    return []


def finding_json(finding: Finding) -> Json:
    return {
        "id": finding.id,
        "kind": finding.kind,
        "host": str(finding.host),
        "item_kind": finding.item_kind,
        "identity": finding.identity,
        "name": finding.name,
        "claim": None if finding.claim is None else str(finding.claim),
        "key": finding.key,
        "project": finding.project,
        "claimed": strings(finding.claimed),
        "observed": strings(finding.observed),
        "detail": finding.detail,
        "actions": actions(finding),
    }
