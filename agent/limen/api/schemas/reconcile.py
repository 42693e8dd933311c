"""Documents of reconciliation."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from limen.api.schemas.claims import strings
from limen.api.schemas.fields import Document, Json, ProjectName, Text
from limen.hypervisor.storage import IMAGE_NAME
from limen.ledger.values import Finding

Action = Literal["release", "lower", "claim", "adopt"]


class Repair(Document):
    """`finding` is the id that GET answered, `action` one of those that it offers.

    `project`: who is charged for what is adopted.
    """

    finding: Text
    action: Action
    project: ProjectName | None = None

    @model_validator(mode="after")
    def _somebody_is_charged(self) -> "Repair":
        if (self.project is not None) != (self.action == "adopt"):
            raise ValueError("adopt needs the project that is charged, and no other action takes one")
        return self


class Repairs(Document):
    """`check`: only say what would be done, and decide whether it fits."""

    repair: Annotated[list[Repair], Field(min_length=1, max_length=500)]
    check: bool = False


def is_base_image(finding: Finding) -> bool:
    """Base images belong to the host, whose capacity they count against: they are no orphans."""
    return finding.kind == "orphan" and IMAGE_NAME.fullmatch(finding.name) is not None


def actions(finding: Finding) -> list[Action]:
    """What can be told to be done.

    `adopt`: charge what is there to a project (which the quota check may deny). `release` a claimed thing
    that is gone. `claim` what is seen beyond the claim (which the quota check may deny), `lower` a claim to
    what is seen. Nothing of it touches a host.
    """
    match finding.kind:
        case "orphan" | "duplicate":
            return ["adopt"]
        case "ghost":
            return ["release"]
        case "drift":
            resources = {*finding.claimed, *finding.observed}
            beyond = {
                name: finding.observed.get(name, 0) - finding.claimed.get(name, 0) for name in resources
            }
            above: list[Action] = ["claim"] if any(amount > 0 for amount in beyond.values()) else []
            return [*above, "lower"] if any(amount < 0 for amount in beyond.values()) else above


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
