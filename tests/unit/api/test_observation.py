"""What libvirt showed, in the ledger's words; and what follows where a pool could not be listed."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from limen.api.observation import gone_things
from limen.hypervisor.model import (
    DomainSeen,
    Hint,
    HostObservation,
    NetworkSeen,
    Size,
    SnapshotSeen,
    VolumeSeen,
)
from limen.hypervisor.seen import seen_things
from limen.ledger.values import Claim, ClaimItem, Fingerprint, Owner
from limen.quota.model import Seen

HOST, OTHER_HOST, CLAIM = uuid4(), uuid4(), uuid4()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VM = "4dcd4658-6947-52ea-b338-a28cd5b40cc3"


def domain(hint: str | None = None) -> DomainSeen:
    return DomainSeen(
        uuid=VM,
        name="web",
        state="shutoff",
        autostart=False,
        live=None,
        defined=Size(vcpus=2, memory=2**30, max_vcpus=4, max_memory=2**31),
        snapshots=(SnapshotSeen("before", 7),),
        hint=None if hint is None else Hint(owner="o", project="p", claim=hint, key="vm:web"),
    )


def volume(name: str, role: str, pool: str = "default") -> VolumeSeen:
    return VolumeSeen(pool, name, f"/{pool}/{name}", f"/{pool}/{name}", 10, 5, "qcow2", None, role)  # type: ignore[arg-type]


def item(kind: str, name: str, volume: str | None = None, host: UUID = HOST) -> ClaimItem:
    return ClaimItem(f"{kind}:{name}", kind, name, host, uuid4(), volume, "committed", {}, {}, None)  # type: ignore[arg-type]


def claim(*items: ClaimItem) -> Claim:
    return Claim(
        CLAIM, "demo", Owner("stack", "web"), Fingerprint("b", "p", "s"), HOST, 1, "held", items, NOW, NOW
    )


def test_everything_chargeable_is_seen() -> None:
    observation = HostObservation(
        str(HOST),
        domains=(domain(hint=str(CLAIM)),),
        networks=(NetworkSeen("n-uuid", "lan", True, True, "br0"),),
        volumes=(volume("root", "disk"), volume("seed.iso", "media"), volume("base", "backing")),
    )
    assert seen_things(observation) == [
        Seen("vm", VM, "web", {"vms": 1, "vcpus": 2, "memory": 2**30}, CLAIM),
        Seen("snapshot", f"{VM}/before", "before", {"snapshots": 1, "disk": 7}),
        Seen("network", "n-uuid", "lan", {"networks": 1}),
        Seen("disk", "default/root", "root", {"disk": 10}),
        Seen("disk", "default/base", "base", {"disk": 10}),
    ]


def test_a_hint_that_is_no_uuid_is_none() -> None:
    seen = seen_things(HostObservation(str(HOST), domains=(domain(hint="'; DROP TABLE"),)))
    assert seen[0].hint is None


def test_not_seen_is_gone_but_not_in_a_pool_that_was_not_listed() -> None:
    there = item("vm", "there")
    gone = item("vm", "gone")
    hidden = item("disk", "data", "away/data")
    listed = item("disk", "root", "default/root")
    elsewhere = item("vm", "else", host=OTHER_HOST)
    seen = [Seen("vm", there.identity, "there", {})]
    found = gone_things(HOST, [claim(there, gone, hidden, listed, elsewhere)], seen, ["away"])
    assert found == sorted([("vm", gone.identity), ("disk", "default/root")])


def test_a_thing_of_another_kind_is_another_thing() -> None:
    vm = item("vm", "a")
    network = replace(vm, kind="network")
    assert gone_things(HOST, [claim(vm)], [Seen("network", network.identity, "a", {})], []) == [
        ("vm", vm.identity)
    ]
