"""A scan as the documents that limen-api takes. Pure."""

from typing import Any

from limen.quota.model import Seen


def document(thing: Seen) -> dict[str, Any]:
    """One thing; amounts are strings, what is left out is empty."""
    written: dict[str, Any] = {
        "kind": thing.kind,
        "identity": thing.identity,
        "name": thing.name,
        "amounts": {resource: str(amount) for resource, amount in thing.amounts.items()},
    }
    if thing.hint is not None:
        written["claim"] = str(thing.hint)
    if thing.disks:
        written["disks"] = list(thing.disks)
    return written
