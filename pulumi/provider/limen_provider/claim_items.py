"""The items of a claim: checks, the API's form of them, how they differ from the ledger; pure."""

from collections.abc import Mapping
from typing import Any

from limen.quota.errors import LimenError
from limen.quota.model import ITEM_KINDS, check_item_key
from limen_provider.fields import Inputs, given, parsed
from limen_provider.properties import UNKNOWN, child_path

_FIELDS = frozenset(("kind", "name", "volume", "amounts", "upperBound"))


def check_items(inputs: Inputs, value: Any) -> dict[str, Any]:
    """The items with one spelling for each amount; what is wrong goes to `inputs`."""
    if not isinstance(value, dict):
        inputs.fail("items", "This must be a map of item keys to items, known before anything is built.")
        return {}
    return {key: _check_item(inputs, key, item) for key, item in sorted(value.items())}


def _check_item(inputs: Inputs, key: str, item: Any) -> dict[str, Any]:
    path = child_path("items", key)
    try:
        check_item_key(key)
    except LimenError as error:
        inputs.fail(path, str(error))
    if not isinstance(item, dict):
        inputs.fail(path, "This must be a map with kind, name and amounts, known before anything is built.")
        return {}
    for name in sorted(set(item) - _FIELDS):
        inputs.fail(child_path(path, name), f"There is no such field: use {', '.join(sorted(_FIELDS))}.")
    kind = item.get("kind")
    if kind not in ITEM_KINDS:
        inputs.fail(child_path(path, "kind"), f"This must be one of {', '.join(ITEM_KINDS)}.")
    _check_names(inputs, path, kind, item)
    amounts = inputs.amounts(item.get("amounts"), child_path(path, "amounts"))
    bounds = inputs.amounts(item.get("upperBound") or {}, child_path(path, "upperBound"))
    for resource, amount in amounts.items():
        if amount is UNKNOWN and bounds.get(resource, UNKNOWN) is UNKNOWN:
            inputs.fail(
                child_path(child_path(path, "amounts"), resource),
                f"This is not known yet: pass a plain value, or declare the most it can be in "
                f"upperBound.{resource}.",
            )
    return given(
        kind=kind,
        name=item.get("name"),
        volume=item.get("volume"),
        amounts=amounts,
        upperBound=bounds or None,
    )


def _check_names(inputs: Inputs, path: str, kind: Any, item: Mapping[str, Any]) -> None:
    name, volume = item.get("name"), item.get("volume")
    if name is not UNKNOWN and (not isinstance(name, str) or not name):
        inputs.fail(child_path(path, "name"), "This must be text.")
    if kind != "disk":
        if volume is not None:
            inputs.fail(child_path(path, "volume"), "Only a disk has a volume.")
    elif volume is not UNKNOWN and (
        not isinstance(volume, str) or volume.count("/") != 1 or not all(volume.split("/"))
    ):
        inputs.fail(child_path(path, "volume"), "A disk needs its volume, written pool/name.")


def item_requests(items: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items as the API takes them; an unknown amount counts as its upper bound."""
    return [_request(key, item) for key, item in sorted(items.items())]


def _request(key: str, item: Mapping[str, Any]) -> dict[str, Any]:
    bounds = item.get("upperBound", {})
    amounts = {
        resource: bounds[resource] if amount is UNKNOWN else amount
        for resource, amount in item["amounts"].items()
    }
    return given(
        key=key,
        kind=item["kind"],
        name=key if item["name"] is UNKNOWN else item["name"],
        # Explaining needs no real volume: identity matters only once something is reserved.
        volume=f"unknown/{key}" if item.get("volume") is UNKNOWN else item.get("volume"),
        amounts=amounts,
    )


def lacking(items: Mapping[str, Any], held: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Keys of the items that the ledger lacks, gives up, or holds smaller or under another name."""
    return [key for key, item in sorted(items.items()) if not _is_held(item, held.get(key))]


def _is_held(item: Mapping[str, Any], held: Mapping[str, Any] | None) -> bool:
    if held is None or held["state"] == "lapsing" or held.get("released", False):
        return False
    if any(item.get(name) not in (held[name], UNKNOWN) for name in ("kind", "name", "volume")):
        return False
    return covers(held["claimed"], item["amounts"])


def covers(claimed: Mapping[str, str], amounts: Mapping[str, Any]) -> bool:
    """Whether the ledger's `claimed` is at least `amounts` everywhere; what is unknown is not covered."""
    if UNKNOWN in amounts.values():
        return False
    return all(int(claimed.get(resource, "0")) >= amount for resource, amount in parsed(amounts).items())
