"""The gate of VMs: whose a VM is, what has to be asked, and that a refusal gives back what was reserved."""

from typing import Any

import pytest
from ansible_collections.limen.platform.plugins.module_utils import vm_gate
from ansible_collections.limen.platform.plugins.module_utils.errors import ApiError, QuotaDenied
from ansible_collections.limen.platform.plugins.module_utils.names import item_uuid
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Disk, Hint, Seen, Size, Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_plan import plan
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import Plan

MIB = 2**20
HOST = "9b0d8a52-8c5e-4d5e-9a65-6f1b1b0f4c02"
CLAIM = "5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001"
UUID = item_uuid(CLAIM, "vm:web")
WEB = Wanted("web", "demo", "running", vcpus=1, memory=64 * MIB)
SEEN = Seen(UUID, "web", "stopped", False, Size(1, 64 * MIB, 1, 64 * MIB), None)
DENIED = {"status": 403, "code": "quota_denied"}


class Recorder:
    """Stands for the client: answers what it was told to, and remembers what was asked."""

    def __init__(self, *refuse: str) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._refuse = refuse
        self.claim: dict[str, Any] | None = None

    def post(self, *path: str, body: dict[str, Any], wait_seconds: float = 0.0) -> dict[str, Any]:
        return self._answer("POST", *path, body.get("id", ""))

    def put(self, *path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._answer("PUT", *path)

    def delete(self, *path: str, **query: Any) -> dict[str, Any]:
        return self._answer("DELETE", *path)

    def find(self, *path: str) -> dict[str, Any] | None:
        self.asked.append(("FIND", *path))
        return self.claim

    def _answer(self, *call: str) -> dict[str, Any]:
        self.asked.append(tuple(part for part in call if part))
        if call[-1] in self._refuse:
            raise QuotaDenied({"allowed": False, "text": "Denied"})
        return {"generation": 1, "fence": "1", "state": "released"}


def claim(**changes: Any) -> dict[str, Any]:
    item = {
        "key": "vm:web",
        "kind": "vm",
        "uuid": UUID,
        "volume": None,
        "state": "committed",
        "released": False,
        "claimed": {"vms": "1", "vcpus": "1", "memory": str(64 * MIB)},
        "charge": {"vms": "1", "vcpus": "1", "memory": str(64 * MIB)},
    }
    return {
        "id": CLAIM,
        "project": "demo",
        "owner": {"kind": "vm", "name": "web"},
        "fingerprint": {"backend": vm_gate.BACKEND, "project": "vm", "stack": "web"},
        "generation": 3,
        "items": [{**item, **changes.pop("item", {})}],
        **changes,
    }


STACK = claim(owner={"kind": "stack", "name": "vm_stack/dev"}, fingerprint={"backend": "b", "project": "p"})


def stand(seen: Seen | None, *claims: dict[str, Any]) -> vm_gate.Standing:
    return vm_gate.stand(Recorder(), WEB, seen, claims)


def planned(wanted: Wanted, seen: Seen | None) -> Plan:
    return plan(wanted, seen, UUID, HOST)


def test_a_vm_is_found_by_its_uuid_or_its_name() -> None:
    assert stand(SEEN, claim()).claim_id == CLAIM
    assert stand(None, claim()).claim_id == CLAIM
    assert stand(None, STACK).claim_id != CLAIM
    new = stand(None)
    assert new.own
    assert new.claim is None


def test_metadata_leads_to_a_claim_only_if_the_uuid_proves_it() -> None:
    recorder = Recorder()
    told = Hint("web", "other", CLAIM, "vm:web")
    proven = Seen(UUID, "web", "stopped", False, SEEN.defined, None, hint=told)
    # A claim that is not to be seen is another's: so is its VM.
    assert vm_gate.stand(recorder, WEB, proven, []).claim_id is None
    recorder.claim = claim(project="other")
    assert vm_gate.stand(recorder, WEB, proven, []).claim_id == CLAIM
    assert recorder.asked == [("FIND", "claims", CLAIM)] * 2
    forged = Seen(HOST, "web", "stopped", False, SEEN.defined, None, hint=told)
    assert vm_gate.stand(recorder, WEB, forged, []).claim_id is None


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({}, []),
        ({"claimed": {"vms": "1", "vcpus": "1", "memory": "1"}}, ["vm:web"]),
        ({"released": True}, ["vm:web"]),
        ({"state": "lapsing"}, ["vm:web"]),
    ],
)
def test_what_the_ledger_does_not_hold_is_asked_for(item: dict[str, Any], expected: list[str]) -> None:
    standing = stand(SEEN, claim(item=item))
    made = planned(WEB, SEEN)
    assert vm_gate.lacking(standing, vm_gate.items_of(WEB, made, standing.key)) == expected


def test_what_a_killed_run_claimed_too_much_is_seen() -> None:
    made = planned(WEB, SEEN)
    items = vm_gate.items_of(WEB, made, "vm:web")
    assert vm_gate.exceeding(stand(SEEN, claim()), items) == []
    larger = {"vms": "1", "vcpus": "4", "memory": str(64 * MIB)}
    assert vm_gate.exceeding(stand(SEEN, claim(item={"claimed": larger})), items) == ["vm:web"]


def test_a_vm_of_another_project_is_not_removed() -> None:
    gone = Wanted("web", "other", "absent")
    with pytest.raises(vm_gate.NotAdmitted, match="is charged to the project demo, not to other"):
        vm_gate.require_admissible(gone, planned(gone, SEEN), stand(SEEN, claim()))


def test_nobodys_domain_is_not_started() -> None:
    with pytest.raises(vm_gate.NotAdmitted, match="nobody was admitted for it"):
        vm_gate.require_admissible(WEB, planned(WEB, SEEN), stand(SEEN))


def test_a_stacks_vm_is_started_at_its_size_and_not_changed() -> None:
    standing = stand(SEEN, STACK)
    vm_gate.require_admissible(WEB, planned(WEB, SEEN), standing)
    larger = Wanted("web", "demo", "running", vcpus=2, memory=64 * MIB)
    with pytest.raises(vm_gate.NotAdmitted, match="is held by stack vm_stack/dev: change it there"):
        vm_gate.require_admissible(larger, planned(larger, SEEN), standing)
    given_up = stand(SEEN, {**STACK, "items": [{**STACK["items"][0], "released": True}]})
    with pytest.raises(vm_gate.NotAdmitted, match="not admitted at its size"):
        vm_gate.require_admissible(WEB, planned(WEB, SEEN), given_up)


def test_a_disk_does_not_change_its_volume() -> None:
    disk = Disk("root", "fast", "web-root", 8 * MIB)
    wanted = Wanted("web", "demo", "running", disks=(disk,))
    held = {"key": "disk:web-root", "kind": "disk", "volume": "default/web-root"}
    both = claim()
    both["items"].append({**both["items"][0], **held})
    with pytest.raises(vm_gate.NotAdmitted, match="can't become fast/web-root"):
        vm_gate.require_admissible(wanted, planned(wanted, SEEN), stand(SEEN, both))


def test_a_refusal_gives_back_what_was_reserved_before_it() -> None:
    first, second = stand(None), stand(None)
    recorder = Recorder(str(second.claim_id))
    gate = vm_gate.Gate(recorder, HOST)
    items = vm_gate.items_of(WEB, planned(WEB, None), "vm:web")
    with pytest.raises(ApiError):
        gate.reserve([(WEB, first, items), (WEB, second, items)])
    assert recorder.asked == [
        ("POST", "claims", first.claim_id),
        ("POST", "claims", second.claim_id),
        ("DELETE", "claims", first.claim_id),
    ]


def test_one_scan_settles_everything() -> None:
    waits: list[float] = []

    class Settling(Recorder):
        def post(self, *path: str, body: dict[str, Any], wait_seconds: float = 0.0) -> dict[str, Any]:
            waits.append(wait_seconds)
            return super().post(*path, body=body)

    assert vm_gate.Gate(Settling(), HOST).settle([(CLAIM, "vm:web"), (CLAIM, "disk:web-root")]) == []
    assert waits == [0.0, vm_gate.SETTLE_SECONDS]
