# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Claims that a playbook holds while it builds something: reserved, kept, committed, released.

An item is committed when its host is seen to hold it; nothing that a client says makes it so. Whoever
reserves is about to build: every item gets its fencing token at once, so that a release stays charged until a
scan shows that nothing came of it.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount, parse_amounts
from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.errors import (
    ApiError,
    InvalidInput,
    QuotaDenied,
    conflict,
)
from ansible_collections.limen.platform.plugins.module_utils.names import (
    check_item_key,
    check_project_name,
    check_uuid,
    claim_id,
    item_uuid,
)
from ansible_collections.limen.platform.plugins.module_utils.running import Result

Options = t.Mapping[str, t.Any]
Json = dict[str, t.Any]

HEARTBEAT_SECONDS = 30.0
"""Between two signs of life; a reservation lapses two minutes after the last."""

# What one thing of a kind counts besides its sizes.
_ONE = {"vm": {"vms": 1}, "network": {"networks": 1}, "snapshot": {"snapshots": 1}}
_POLL_SECONDS = 2.0
_SCAN_SECONDS = 10.0


def ensure(client: Client, options: Options, check_mode: bool) -> Result:
    """Bring a claim to `options["state"]`. Raises QuotaDenied if it does not fit, or another LimenError."""
    wish = Wish(options)
    claim = client.find("claims", wish.id)
    if options["state"] == "reserved":
        return _reserve(client, wish, claim, check_mode)
    if options["state"] == "released":
        return _release(client, wish, claim, check_mode)
    if check_mode:
        return Result(facts=_facts(wish, claim))
    if claim is None or not claim["items"]:
        raise InvalidInput(f"Claim {wish.name} of project {wish.project} holds nothing: reserve it first.")
    if options["state"] == "kept":
        return _keep(client, wish, claim)
    return _commit(client, wish, claim)


class Wish:
    """What a task declares, checked; raises InvalidInput."""

    def __init__(self, options: Options) -> None:
        self.project = check_project_name(options["project"])
        self.name: str = options["name"]
        self.host: str = options["host"] or ""
        self.takeover: bool = options["takeover"]
        self.seconds = float(options["wait_seconds"])
        given = options["id"]
        self.id = claim_id(self.project, self.name) if given is None else check_uuid(given, "id")
        self.items = [_item(each) for each in options["items"] or ()]
        keys = [item["key"] for item in self.items]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise InvalidInput(f"items names {', '.join(twice)} more than once: give each item one entry.")

    def body(self) -> Json:
        """The claim as the API takes it."""
        if not self.host or not self.items:
            raise InvalidInput("To reserve, name the host and at least one item.")
        items = [{**item, "amounts": _strings(item["amounts"])} for item in self.items]
        body: Json = {
            "project": self.project,
            "owner": {"kind": "vm", "name": self.name},
            "fingerprint": {"backend": "ansible", "project": "limen.platform", "stack": self.name},
            "host": self.host,
            "items": items,
        }
        return {**body, "takeover": True} if self.takeover else body


def _item(given: t.Mapping[str, t.Any]) -> Json:
    kind, name = given["kind"], given["name"]
    key = check_item_key(given["key"] or f"{kind}:{name}")
    volume = given["volume"]
    if (kind == "disk") != (volume is not None):
        raise InvalidInput(f"{key}: a disk needs volume, written pool/name, and nothing else has one.")
    amounts = {**_ONE.get(kind, {}), **parse_amounts(given["amounts"] or {})}
    if not any(amounts.values()):
        raise InvalidInput(f"{key}: amounts says nothing: write it as {{disk: 10GiB}}.")
    item: Json = {"key": key, "kind": kind, "name": name, "amounts": amounts}
    return item if volume is None else {**item, "volume": volume}


def _reserve(client: Client, wish: Wish, claim: Json | None, check_mode: bool) -> Result:
    body = wish.body()
    # The ledger knows hosts by UUID: another host is another item, and one that is not there fails here.
    host = client.get("hosts", wish.host)["id"]
    moved = claim is not None and bool(_items(claim)) and claim["project"] != wish.project
    lacking = [item for item in wish.items if moved or not _is_held(claim, item, host)]
    before, after = _drawn(claim), {**_drawn(claim), **_wanted(lacking)}
    if not lacking:
        if not check_mode:
            # Whoever reserves again goes on building: its reservations must not lapse meanwhile.
            _beat(client, claim)
        return Result(False, _facts(wish, claim), before, after, f"claim {wish.name}")
    if check_mode:
        if claim is not None and claim["fingerprint"] != body["fingerprint"] and not wish.takeover:
            raise conflict(f"Claim {wish.id} was not made by a playbook: take it over if its maker is gone.")
        question = {key: body[key] for key in ("project", "host", "items")}
        decision = client.post("quota", "explain", body={**question, "claim": wish.id})
        if not decision["allowed"]:
            raise QuotaDenied(decision)
        return Result(True, _facts(wish, claim), before, after, f"claim {wish.name}")
    if claim is None:
        client.post("claims", body={"id": wish.id, **body})
    else:
        client.put("claims", wish.id, body={"generation": claim["generation"], **body})
    for item in lacking:
        admitted = {"amounts": _strings(item["amounts"]), "host": body["host"]}
        client.post("claims", wish.id, "items", item["key"], "admit", body=admitted)
    return Result(True, _facts(wish, client.get("claims", wish.id)), before, after, f"claim {wish.name}")


def _release(client: Client, wish: Wish, claim: Json | None, check_mode: bool) -> Result:
    keys = {item["key"] for item in wish.items}
    gone = [item for item in _items(claim) if not item["released"] and (not keys or item["key"] in keys)]
    before = _drawn(claim)
    after = {key: drawn for key, drawn in before.items() if key not in {item["key"] for item in gone}}
    result = Result(bool(gone), {}, before, after, f"claim {wish.name}")
    if not check_mode and claim is not None:
        if gone and not keys:
            client.delete("claims", wish.id, generation=claim["generation"])
        deadline = time.monotonic() + wish.seconds
        for item in _items(claim):
            # Asks for a scan of the host and waits for it: the charge ends when the host shows it gone.
            if not keys or item["key"] in keys:
                seconds = max(0.0, deadline - time.monotonic())
                body = {"wait_seconds": seconds}
                client.post(
                    "claims", wish.id, "items", item["key"], "settle", body=body, wait_seconds=seconds
                )
        claim = client.get("claims", wish.id)
        left = [item["key"] for item in _items(claim) if not keys or item["key"] in keys]
        if left:
            result.warnings.append(
                f"Still charged, since the host shows them or was not scanned yet: {', '.join(left)}."
            )
    result.facts = _facts(wish, claim)
    return result


def _commit(client: Client, wish: Wish, claim: Json) -> Result:
    """Wait until the host is seen to hold every item."""
    deadline = time.monotonic() + wish.seconds
    while True:
        problem = _scan(client, claim, max(0.0, min(_SCAN_SECONDS, deadline - time.monotonic())))
        claim = client.get("claims", wish.id)
        missing = _unseen(wish, claim)
        if not missing or time.monotonic() >= deadline:
            break
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    result = Result(False, _facts(wish, claim))
    if missing:
        result.failure = (
            f"The host does not show {', '.join(missing)}: build each VM and network with the UUID, and each "
            f"disk as the volume, that the claim has for it{f' ({problem})' if problem else ''}."
        )
    return result


def _unseen(wish: Wish, claim: Json) -> list[str]:
    """Keys of the items that are not committed: those that the task names, or all."""
    seen = {item["key"] for item in _items(claim) if item["state"] == "committed"}
    keys = [item["key"] for item in wish.items] or [item["key"] for item in _items(claim)]
    return [key for key in keys if key not in seen]


def _keep(client: Client, wish: Wish, claim: Json) -> Result:
    """Signs of life until nothing is being built any more, or the time is over."""
    deadline = time.monotonic() + wish.seconds
    # Only what is held now: whoever takes an item over has a fencing token of its own.
    fences = _fences(claim)
    while _fences(claim) & fences and time.monotonic() < deadline:
        client.post("claims", wish.id, "heartbeat", body={"fences": sorted(fences)})
        time.sleep(min(HEARTBEAT_SECONDS, max(0.0, deadline - time.monotonic())))
        claim = client.get("claims", wish.id)
    return Result(False, _facts(wish, claim))


def _beat(client: Client, claim: Json | None) -> None:
    if claim is not None and _fences(claim):
        client.post("claims", claim["id"], "heartbeat", body={"fences": sorted(_fences(claim))})


def _fences(claim: Json) -> set[str]:
    return {item["fence"] for item in _items(claim) if item["state"] == "building" and item["fence"]}


def _scan(client: Client, claim: Json, seconds: float) -> str | None:
    """Scan the claim's hosts; a sentence says why there was none: one comes by itself within a minute."""
    try:
        for host in sorted({item["host"] for item in _items(claim)}):
            client.post("hosts", host, "scan", body={"wait_seconds": seconds}, wait_seconds=seconds)
    except ApiError as error:
        return str(error).rstrip(".")
    return None


def _is_held(claim: Json | None, wanted: Json, host: str) -> bool:
    """Whether the ledger holds this item at this size or more, for this playbook to build or built."""
    for item in _items(claim):
        if item["key"] == wanted["key"]:
            claimed = {resource: int(amount) for resource, amount in item["claimed"].items()}
            return (
                item["state"] in ("building", "committed")
                and not item["released"]
                and item["name"] == wanted["name"]
                and item["host"] == host
                and item["volume"] == wanted.get("volume")
                and all(claimed.get(name, 0) >= amount for name, amount in wanted["amounts"].items())
            )
    return False


def _items(claim: Json | None) -> list[Json]:
    return [] if claim is None else claim["items"]


def _drawn(claim: Json | None) -> Json:
    """Items of the claim as a diff shows them."""
    return {
        item["key"]: _amounts_text({name: int(amount) for name, amount in item["claimed"].items()})
        for item in _items(claim)
        if not item["released"]
    }


def _wanted(items: list[Json]) -> Json:
    return {item["key"]: _amounts_text(item["amounts"]) for item in items}


def _amounts_text(amounts: t.Mapping[str, int]) -> str:
    return ", ".join(f"{name}={format_amount(amount, name)}" for name, amount in sorted(amounts.items()))


def _facts(wish: Wish, claim: Json | None) -> Json:
    """The claim and, by key, the UUIDs that its VMs and networks have or will have."""
    kinds = {item["key"]: item["kind"] for item in [*_items(claim), *wish.items]}
    uuids = {key: item_uuid(wish.id, key) for key, kind in kinds.items() if kind in ("vm", "network")}
    return {"id": wish.id, "claim": claim, "uuids": uuids}


def _strings(amounts: t.Mapping[str, int]) -> dict[str, str]:
    return {resource: str(amount) for resource, amount in amounts.items()}
