# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""The quota check of VMs: who holds what in the ledger, admission before a step, settlement after a removal.

Each VM that the module makes has a claim of its own, of owner kind `vm`. Its id is random, and found again in
the ledger by the VM's UUID or name, so that a run that was killed is completed by the next one.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import typing as t
import uuid
from collections import Counter
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils.client import Client, Json
from ansible_collections.limen.platform.plugins.module_utils.errors import ApiError, LimenError, QuotaDenied
from ansible_collections.limen.platform.plugins.module_utils.names import item_uuid
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Hint, Seen, Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import Plan

BACKEND = "limen.platform.vm"
SETTLE_SECONDS = 30.0
HEARTBEAT_SECONDS = 30.0


class NotAdmitted(LimenError):
    """Nobody was admitted for what is to be done; nothing was touched."""

    def facts(self) -> dict[str, t.Any]:
        return {"problem": {"code": "not_admitted", "detail": str(self)}}


@dataclass(frozen=True)
class Standing:
    """How a VM stands in the ledger. `claim` None: not there yet; `claim_id` None: it can't be claimed."""

    claim_id: str | None
    key: str
    claim: Json | None

    @property
    def own(self) -> bool:
        """Whether the claim is, or would be, one of this module's VMs."""
        if self.claim_id is None:
            return False
        return self.claim is None or (
            self.claim["owner"]["kind"] == "vm" and self.claim["fingerprint"]["backend"] == BACKEND
        )

    @property
    def uuid(self) -> str:
        return "" if self.claim_id is None else item_uuid(self.claim_id, self.key)

    @property
    def owner(self) -> str:
        """Who holds it, for a person."""
        if self.claim is None:
            return "nobody"
        return f"{self.claim['owner']['kind']} {self.claim['owner']['name']}"

    @property
    def generation(self) -> int:
        return 0 if self.claim is None else self.claim["generation"]

    @property
    def items(self) -> dict[str, Json]:
        """Items that are held: not given up, not lapsing."""
        return (
            {} if self.claim is None else {item["key"]: item for item in self.claim["items"] if _held(item)}
        )

    @property
    def left(self) -> list[str]:
        """Keys of items that nobody has given up yet."""
        return [] if self.claim is None else [i["key"] for i in self.claim["items"] if not i["released"]]

    def hint(self, wanted: Wanted) -> Hint | None:
        """What the VM's metadata has to say; None where another writes it."""
        if not self.own or self.claim_id is None:
            return None
        return Hint(wanted.name, wanted.project, self.claim_id, self.key)


Asked = tuple[Wanted, Standing, list[Json]]
"""A VM, its place in the ledger, and the items that have to be admitted for it."""


def stand(client: Client, wanted: Wanted, seen: Seen | None, claims: t.Sequence[Json]) -> Standing:
    """Find the VM's place in the ledger; `claims` are those of its project on this host, newest first.

    A domain is known by its UUID, which proves the claim; its metadata only says where to look.
    """
    if seen is None:
        for claim in claims:
            if claim["owner"] == _owner(wanted) and claim["fingerprint"] == _fingerprint(wanted):
                keys = [item["key"] for item in claim["items"] if item["kind"] == "vm"]
                return Standing(claim["id"], keys[0] if keys else wanted.key, claim)
        return Standing(str(uuid.uuid4()), wanted.key, None)
    for claim in claims:
        for item in claim["items"]:
            if item["kind"] == "vm" and item["uuid"] == seen.uuid:
                return Standing(claim["id"], item["key"], claim)
    hint = seen.hint
    if hint is None or not _proven(hint, seen.uuid):
        return Standing(None, wanted.key, None)
    claim = client.find("claims", hint.claim)
    # Claims are never forgotten: one that is not to be seen is another's, and so is its VM.
    return Standing(None if claim is None else hint.claim, hint.key, claim)


def items_of(wanted: Wanted, plan: Plan, key: str) -> list[Json]:
    """What the VM has to hold so that the plan can be carried out, as items of a claim."""
    items: list[Json] = []
    if plan.size is not None:
        amounts = {"vms": "1", "vcpus": str(plan.size.vcpus), "memory": str(plan.size.memory)}
        items.append({"key": key, "kind": "vm", "name": wanted.name, "amounts": amounts})
    if wanted.state != "absent":
        items += [
            {
                "key": disk.key,
                "kind": "disk",
                "name": disk.volume,
                "volume": disk.identity,
                "amounts": {"disk": str(disk.size)},
            }
            for disk in wanted.disks
        ]
    return items


def lacking(standing: Standing, items: t.Sequence[Json]) -> list[str]:
    """Keys of the items that the ledger does not hold at this size."""
    held = standing.items
    return [item["key"] for item in items if not _covers(held.get(item["key"]), item)]


def exceeding(standing: Standing, items: t.Sequence[Json]) -> list[str]:
    """Keys of the items that the ledger holds larger than this, as a run that was killed may leave them."""
    held = standing.items
    larger = []
    for item in items:
        claimed = held[item["key"]]["claimed"] if item["key"] in held else {}
        if any(int(claimed.get(name, 0)) > int(amount) for name, amount in item["amounts"].items()):
            larger.append(item["key"])
    return larger


def require_admissible(wanted: Wanted, plan: Plan, standing: Standing) -> None:
    """Refuse what no admission could allow; raises NotAdmitted before anything is touched."""
    if standing.own or not plan.steps:
        _require_same_volumes(wanted, standing)
        _require_same_project(wanted, standing)
        return
    if standing.claim_id is None and plan.gated:
        raise NotAdmitted(
            f"The domain {wanted.name} ({plan.uuid}) is not Limen's: nobody was admitted for it. "
            "Adopt it, or choose another name."
        )
    if not plan.only_power:
        changes = "; ".join(step.sentence for step in plan.steps)
        raise NotAdmitted(
            f"The domain {wanted.name} is held by {standing.owner}: change it there. "
            f"This task would have: {changes}."
        )
    if plan.gated:
        short = lacking(standing, items_of(wanted, plan, standing.key)[:1])
        if short:
            raise NotAdmitted(
                f"{wanted.name} is not admitted at its size: {standing.owner} does not hold {short[0]}, "
                "or less of it."
            )


def explain(client: Client, host: str, asked: t.Sequence[Asked]) -> list[str]:
    """Whether all of it fits together; returns warnings. Raises QuotaDenied with the decision."""
    warnings: list[str] = []
    for project in sorted({wanted.project for wanted, _standing, _items in asked}):
        mine = [each for each in asked if each[0].project == project]
        new = [item for _wanted, standing, items in mine if standing.claim is None for item in items]
        grown = [each for each in mine if each[1].claim is not None]
        questions: list[Json] = []
        if len(mine) > 1:
            questions.append({"amounts": _increases(mine)})
        if new:
            questions.append(
                {
                    "host": host,
                    "items": [{**item, "key": f"{n}.{item['key']}"[:128]} for n, item in enumerate(new)],
                }
            )
        questions += [{"host": host, "claim": s.claim_id, "items": items} for _w, s, items in grown]
        for question in questions:
            decision = client.post("quota", "explain", body={"project": project, **question})
            if not decision["allowed"]:
                raise QuotaDenied(decision)
            if decision.get("warnings") and decision["text"] not in warnings:
                warnings.append(decision["text"])
    return warnings


class Gate:
    """What this run has been admitted for: claims grown, builders' tokens, heartbeats until it ends."""

    def __init__(self, client: Client, host: str) -> None:
        self._client = client
        self._host = host
        self._fences: dict[str, list[str]] = {}
        self._undo: list[t.Callable[[], object]] = []
        self._lock = threading.Lock()

    def reserve(self, asked: t.Sequence[Asked]) -> None:
        """Have all of it admitted, or give back what was; raises QuotaDenied, ApiError, ApiUnavailable."""
        try:
            for wanted, standing, items in asked:
                self._write(wanted, standing, items)
        except LimenError:
            for undo in reversed(self._undo):
                with contextlib.suppress(LimenError):
                    undo()
            raise
        self._undo.clear()

    def admit(self, standing: Standing, items: t.Sequence[Json]) -> None:
        """Take the builder's token of each item: from here on it is built at exactly this size."""
        claim = str(standing.claim_id)
        for item in items:
            answer = self._client.post(
                "claims",
                claim,
                "items",
                item["key"],
                "admit",
                body={"amounts": item["amounts"], "host": self._host},
            )
            with self._lock:
                self._fences.setdefault(claim, []).append(str(answer["fence"]))

    def settle(self, given_up: t.Sequence[tuple[str, str]]) -> list[str]:
        """Give up items, (claim, key) each, and wait for one scan that shows them gone; returns warnings."""
        still = []
        for index, (claim, key) in enumerate(given_up):
            wait = SETTLE_SECONDS if index == len(given_up) - 1 else 0.0
            try:
                item = self._client.post(
                    "claims", claim, "items", key, "settle", body={"wait_seconds": wait}, wait_seconds=wait
                )
            except ApiError as error:
                if error.code != "not_found":
                    raise
                continue
            if wait and item["state"] != "released":
                still.append(key)
        return [
            f"Libvirt still shows {key}: it stays charged until a scan of the host shows it gone."
            for key in still
        ]

    @contextlib.contextmanager
    def beating(self) -> t.Iterator[None]:
        """Keep what is reserved and being built from lapsing while the context lasts."""
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            with self._lock:
                fences = {claim: list(held) for claim, held in self._fences.items()}
            for claim, held in fences.items():
                # A heartbeat that is lost matters only if all are: the next one is half a minute away.
                with contextlib.suppress(LimenError):
                    self._client.post("claims", claim, "heartbeat", body={"fences": held})

    def _write(self, wanted: Wanted, standing: Standing, items: list[Json]) -> None:
        claim_id = str(standing.claim_id)
        body = {
            "project": wanted.project,
            "owner": _owner(wanted),
            "fingerprint": _fingerprint(wanted),
            "host": self._host,
            "items": items,
        }
        with self._lock:
            self._fences.setdefault(claim_id, [])
        if standing.claim is None:
            claim = self._client.post("claims", body={"id": claim_id, **body})
            self._undo.append(lambda: self._client.delete("claims", claim_id, generation=claim["generation"]))
            return
        self._client.put("claims", claim_id, body={"generation": standing.generation, **body})
        held = standing.items
        for item in items:
            before = held.get(item["key"])
            amounts = {} if before is None else before["claimed"]
            self._undo.append(functools.partial(self._lower, claim_id, item["key"], amounts))

    def _lower(self, claim: str, key: str, amounts: Json) -> None:
        if amounts:
            self._client.post(
                "claims", claim, "items", key, "admit", body={"amounts": amounts, "host": self._host}
            )
        else:
            self._client.post("claims", claim, "items", key, "settle", body={"wait_seconds": 0.0})


def _increases(asked: t.Sequence[Asked]) -> dict[str, str]:
    total: Counter[str] = Counter()
    for _wanted, standing, items in asked:
        charged = (
            {}
            if standing.claim is None
            else {item["key"]: item["charge"] for item in standing.claim["items"]}
        )
        for item in items:
            held = charged.get(item["key"], {})
            for resource, amount in item["amounts"].items():
                total[resource] += max(0, int(amount) - int(held.get(resource, 0)))
    return {resource: str(amount) for resource, amount in total.items()}


def _require_same_volumes(wanted: Wanted, standing: Standing) -> None:
    held = standing.items
    for disk in wanted.disks:
        item = held.get(disk.key)
        if item is not None and item["volume"] != disk.identity:
            raise NotAdmitted(
                f"The disk {disk.name} of {wanted.name} is {item['volume']} and can't become "
                f"{disk.identity}: declare one of another name, and copy."
            )


def _require_same_project(wanted: Wanted, standing: Standing) -> None:
    if (
        wanted.state == "absent"
        and standing.claim is not None
        and standing.claim["project"] != wanted.project
    ):
        raise NotAdmitted(
            f"{wanted.name} is charged to the project {standing.claim['project']}, not to {wanted.project}: "
            "name that project to have it removed."
        )


def _held(item: Json) -> bool:
    return not item["released"] and item["state"] != "lapsing"


def _covers(held: Json | None, item: Json) -> bool:
    if held is None:
        return False
    return all(int(held["claimed"].get(name, 0)) >= int(amount) for name, amount in item["amounts"].items())


def _proven(hint: Hint, domain: str) -> bool:
    try:
        return item_uuid(hint.claim, hint.key) == domain
    except (ValueError, LimenError):
        return False


def _owner(wanted: Wanted) -> Json:
    return {"kind": "vm", "name": wanted.name}


def _fingerprint(wanted: Wanted) -> Json:
    return {"backend": BACKEND, "project": "vm", "stack": wanted.name}
