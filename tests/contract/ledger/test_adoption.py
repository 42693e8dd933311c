"""Adoption: what is on a host and nobody's is charged to a project, if it fits."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from limen.ledger import Ledger
from limen.ledger.adoption import Thing
from limen.ledger.errors import Conflict, Denied, NotFound
from limen.ledger.values import HostResource
from limen.quota.model import ItemKind, Limit, Seen
from tests.contract.ledger.world import GIB, add_host, limits, request

VM = Seen("vm", str(uuid4()), "Alte Maschine", {"vms": 1, "vcpus": 2, "memory": 2 * GIB})
DISK = Seen("disk", "default/old.qcow2", "old.qcow2", {"disk": 10 * GIB})
NETWORK = Seen("network", str(uuid4()), "lan", {"networks": 1})
SNAPSHOT = Seen("snapshot", f"{VM.identity}/before", "before", {"snapshots": 1, "disk": GIB})


def scan(ledger: Ledger, host: UUID, *seen: Seen) -> None:
    ledger.observations.apply_scan(host, seen, ledger.observations.begin_scan(host))


def thing(host: UUID, seen: Seen) -> Thing:
    return Thing(host, seen.kind, seen.identity)


def carried(ledger: Ledger, host: UUID, resource: str) -> HostResource:
    return ledger.hosts.get(host).resources[resource]


@pytest.mark.parametrize(
    ("seen", "key"),
    [
        (VM, "vm:alte-maschine"),
        (DISK, "disk:old.qcow2"),
        (NETWORK, "network:lan"),
        (SNAPSHOT, "snapshot:before"),
    ],
)
def test_an_orphan_becomes_a_claim_at_the_sizes_that_are_seen(
    ledger: Ledger, demo: str, host: UUID, seen: Seen, key: str
) -> None:
    for project in (demo, "team"):
        ledger.limits.put(project, {"networks": Limit(1), "snapshots": Limit(1)}, "ada")
    scan(ledger, host, seen)
    claim = ledger.claims.adopt(thing(host, seen), demo, "ada").claim
    assert ledger.claims.get(claim.id) == claim
    assert (claim.owner.kind, claim.owner.name, claim.charge) == ("adopted", seen.name, dict(seen.amounts))
    (item,) = claim.items
    assert (item.key, item.identity, item.state) == (key, seen.identity, "committed")
    assert ledger.observations.findings() == ()
    scan(ledger, host, seen)
    assert ledger.claims.get(claim.id) == claim, "the next scan finds what was adopted"
    entry = ledger.audit.list(limit=1)[0]
    assert (entry.action, entry.project, entry.claim) == ("claim.adopt", demo, claim.id)
    assert entry.detail["identity"] == seen.identity

    ledger.claims.release(claim.id, 1, "ada")
    scan(ledger, host)
    assert ledger.claims.get(claim.id).items == ()


def test_what_does_not_fit_is_not_adopted_and_that_is_audited(ledger: Ledger, demo: str, host: UUID) -> None:
    large = replace(VM, amounts={**VM.amounts, "memory": 5 * GIB})
    scan(ledger, host, large)
    for judge_only, entries in ((True, 0), (False, 1)):
        before = len(ledger.audit.list())
        with pytest.raises(Denied, match="5GiB") as denied:
            ledger.claims.adopt(thing(host, large), demo, "ada", judge_only=judge_only)
        assert {line["resource"] for line in denied.value.decision["violations"]} == {"memory"}
        assert len(ledger.audit.list()) - before == entries
    assert ledger.claims.list() == ()
    assert [finding.kind for finding in ledger.observations.findings()] == ["orphan"]


def test_judging_writes_nothing(ledger: Ledger, demo: str, host: UUID) -> None:
    scan(ledger, host, VM)
    before = ledger.audit.list()
    assert ledger.claims.adopt(thing(host, VM), demo, "ada", judge_only=True).decision["allowed"]
    assert (ledger.claims.list(), ledger.audit.list()) == ((), before)


def test_the_host_is_not_asked_for_what_it_carries_already(ledger: Ledger, demo: str) -> None:
    """A full host: its orphan leaves the count of orphans and enters that of claims, at the same moment."""
    full = add_host(ledger, 7, vms=2)
    scan(ledger, full, VM)
    assert carried(ledger, full, "memory").orphans == 2 * GIB
    with pytest.raises(Denied, match="host"):
        ledger.claims.create(request(demo, full), "ada")
    ledger.claims.adopt(thing(full, VM), demo, "ada")
    memory = carried(ledger, full, "memory")
    assert (memory.used, memory.reserved, memory.orphans) == (2 * GIB, 0, 0)


def test_what_is_claimed_or_gone_is_not_adopted(ledger: Ledger, demo: str, host: UUID) -> None:
    scan(ledger, host, VM)
    with pytest.raises(NotFound, match="no project"):
        ledger.claims.adopt(thing(host, VM), "nowhere", "ada")
    ledger.claims.adopt(thing(host, VM), demo, "ada")
    with pytest.raises(Conflict, match="claimed already"):
        ledger.claims.adopt(thing(host, VM), demo, "ada")
    with pytest.raises(NotFound, match="scan it again"):
        ledger.claims.adopt(thing(host, DISK), demo, "ada")


@pytest.mark.parametrize("kind", ["vm", "disk"])
def test_a_thing_of_another_host_is_not_there(ledger: Ledger, demo: str, host: UUID, kind: ItemKind) -> None:
    scan(ledger, host, VM, DISK)
    with pytest.raises(NotFound):
        ledger.claims.adopt(Thing(uuid4(), kind, VM.identity), demo, "ada")


def test_lowering_keeps_the_builder(ledger: Ledger, demo: str, host: UUID) -> None:
    claim = ledger.claims.create(request(demo, host, memory=2 * GIB), "ada").claim
    item = claim.items[-1]
    fence = ledger.claims.admit_item(claim.id, item.key, item.claimed, host, "ada").fence
    scan(ledger, host, Seen("vm", item.identity, item.name, {"vms": 1, "vcpus": 3, "memory": GIB}))
    lowered = ledger.claims.lower_item(claim.id, item.key, {"vms": 1, "vcpus": 3, "memory": GIB}, "ada")
    assert lowered is not None
    assert lowered.claimed == {"vms": 1, "vcpus": 1, "memory": GIB}, "lowered, and in nothing raised"
    assert (lowered.fence, lowered.state) == (fence, "committed")


def test_of_many_who_adopt_one_thing_one_does(ledger: Ledger, demo: str, host: UUID) -> None:
    """A scan comes in between as well; afterwards every counter is the sum of its items."""
    scan(ledger, host, VM, DISK)
    ledger.limits.put(demo, limits(6), "ada")

    def attempt(number: int) -> str:
        if number % 4 == 3:
            scan(ledger, host, VM, DISK)
            return "scanned"
        try:
            ledger.claims.adopt(thing(host, VM), demo, f"racer-{number}")
        except Conflict:
            return "refused"
        return "adopted"

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(attempt, range(16)))
    assert outcomes == {"adopted": 1, "refused": 11, "scanned": 4}
    assert [claim.charge["memory"] for claim in ledger.claims.list()] == [2 * GIB]
    memory, disk = carried(ledger, host, "memory"), carried(ledger, host, "disk")
    assert (memory.used, memory.reserved, memory.orphans) == (2 * GIB, 0, 0)
    assert (disk.used, disk.reserved, disk.orphans) == (0, 0, 10 * GIB)
    for project in (demo, "team"):
        lines = ledger.claims.explain_amounts(project, {"memory": 0}).lines
        assert {(each.standing.used, each.standing.reserved) for each in lines} == {(2 * GIB, 0)}
