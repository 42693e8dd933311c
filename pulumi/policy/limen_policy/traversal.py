"""The ways that policies go: from a resource to its Admission, and from there to the claim and its item."""

from typing import Any

from limen_policy.kinds import ADMISSION, CHARGEABLE, CLAIM
from limen_policy.resource import Resource, Stack
from limen_provider.properties import UNKNOWN


def admissions(stack: Stack, resource: Resource) -> list[Resource]:
    """The Admissions that `resource` hangs on, of the kind that admits it where that is known."""
    rule = CHARGEABLE.get(resource.type)
    found = stack.behind(resource, ADMISSION)
    return [each for each in found if rule is None or each.get("kind") in (rule.kind, UNKNOWN)]


def claim(stack: Stack, admission: Resource) -> Resource | None:
    """The claim of this stack that the Admission belongs to; None if it belongs to another stack's."""
    claim_id = admission.get("claimId")
    if claim_id is UNKNOWN:
        return next(iter(stack.behind(admission, CLAIM)), None)
    return next((each for each in stack.of_type(CLAIM) if each.get("claimId") == claim_id), None)


def project(stack: Stack, admission: Resource) -> Any:
    """The project that is charged for what hangs on `admission`: a name, None or UNKNOWN."""
    charged = claim(stack, admission)
    return (charged or admission).get("project")


def exists(resource: Resource) -> bool:
    """Whether it was made by an earlier update."""
    return isinstance(resource.get("id"), str)


def settled(resource: Resource, name: str) -> bool:
    """Whether the property says what once was, and not what is wanted: later changes of it are ignored."""
    return exists(resource) and name in resource.ignored
