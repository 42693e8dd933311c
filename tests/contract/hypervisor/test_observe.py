import json
import shutil
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from limen.hypervisor import wire
from limen.hypervisor.connection import Connection, connect
from limen.hypervisor.domains import find_domain, find_metadata, set_hint, set_tags
from limen.hypervisor.model import DomainSeen, Hint, HostObservation, VolumeSeen
from limen.hypervisor.networks import find_network
from limen.hypervisor.observe import scan
from tests.contract.hypervisor.conftest import MakeDomain
from tests.contract.hypervisor.pieces import disk

MIB = 2**20
ITEM = "<limen:item xmlns:limen='urn:limen:domain:1' owner='o' project='p' claim='c' key='vm:web'/>"
HINT = Hint("o", "p", "c", "vm:web")
SHA = "ab" * 32


def the(seen: HostObservation, uuid: str) -> DomainSeen:
    (found,) = (domain for domain in seen.domains if domain.uuid == uuid)
    return found


def volumes(seen: HostObservation) -> dict[str, VolumeSeen]:
    return {volume.name: volume for volume in seen.volumes}


def test_a_domain_that_is_off_is_seen_with_its_definition(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", vcpu="<vcpu current='2'>4</vcpu>", metadata=ITEM)
    seen = the(scan(conn), uuid)
    assert (seen.name, seen.state, seen.live, seen.hint) == ("web", "shutoff", None, HINT)
    assert seen.amounts == {"vms": 1, "vcpus": 2, "memory": 64 * MIB}


def test_a_running_domain_is_charged_the_larger_definition(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", vcpu="<vcpu current='2'>4</vcpu>", paused=True)
    found = conn.run(lambda handle: handle.lookupByUUIDString(uuid))
    found.setVcpusFlags(3, 1)  # live
    found.setMemoryFlags(32 * 1024, 2)  # definition
    seen = the(scan(conn), uuid)
    assert seen.state == "paused"
    assert seen.live is not None
    assert seen.defined is not None
    assert (seen.live.vcpus, seen.defined.vcpus) == (3, 2)
    assert seen.amounts == {"vms": 1, "vcpus": 3, "memory": 64 * MIB}


def test_a_guest_that_has_not_given_memory_back_is_charged_its_ceiling(
    conn: Connection, domain: MakeDomain
) -> None:
    memory = "<memory unit='MiB'>96</memory><currentMemory unit='MiB'>64</currentMemory>"
    off = domain("off", memory=memory)
    booting = domain("booting", memory=memory, paused=True)
    seen = scan(conn)
    assert the(seen, off).memory == 64 * MIB
    assert the(seen, booting).memory == 96 * MIB


def test_a_transient_domain_is_seen(conn: Connection) -> None:
    text = (
        "<domain type='qemu'><name>short</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
    )
    made = conn.run(lambda handle: handle.createXML(text, 1))
    try:
        seen = the(scan(conn), made.UUIDString())
        assert seen.defined is None
        assert seen.amounts == {"vms": 1, "vcpus": 1, "memory": 64 * MIB}
    finally:
        made.destroy()


def test_networks_are_seen_with_their_hint(conn: Connection, network: Callable[..., str]) -> None:
    uuid = network("lan", metadata=ITEM)
    (seen,) = (found for found in scan(conn).networks if found.uuid == uuid)
    assert (seen.name, seen.active, seen.hint, seen.bridge) == ("lan", True, HINT, f"br-{uuid[:8]}")
    assert find_network(conn, uuid) == seen


def test_volumes_their_layers_and_what_uses_them(
    conn: Connection, pool: str, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    volume(f"limen-image-{SHA}.qcow2")
    base, top = volume("base"), volume("top", backing="base", mib=16)
    medium = volume("ci.iso", "raw")
    by_volume = (
        "<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/>"
        f"<source pool='{pool}' volume='top'/><target dev='vda' bus='virtio'/></disk>"
    )
    uuid = domain("web", devices=by_volume + disk(medium, "hda", "raw", "cdrom"))
    seen = scan(conn)
    held = volumes(seen)
    assert {name: found.role for name, found in held.items()} == {
        f"limen-image-{SHA}.qcow2": "image",
        "base": "backing",
        "top": "disk",
        "ci.iso": "media",
    }
    assert (held["top"].backing, held["top"].identity, held["top"].amounts) == (
        base,
        f"{pool}/top",
        {"disk": 16 * MIB},
    )
    disks = {found.target: found for found in the(seen, uuid).disks}
    assert (disks["vda"].path, disks["vda"].capacity) == (top, 16 * MIB)
    assert (disks["hda"].volume, disks["hda"].readonly) == ("ci.iso", True)
    assert find_domain(conn, uuid) == the(seen, uuid)


def test_a_guest_cannot_shrink_its_raw_disk_by_writing_a_header(
    conn: Connection, pool: str, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    path = volume("data", "raw")
    domain("web", devices=disk(path, format_="raw"))
    header = struct.pack(">4sIQIIQ", b"QFI\xfb", 2, 0, 0, 16, 1)  # version 2, a capacity of 1 byte
    with Path(path).open("r+b") as file:
        file.write(header)
    conn.run(lambda handle: handle.storagePoolLookupByName(pool).refresh(0))
    assert volumes(scan(conn))["data"].amounts == {"disk": 8 * MIB}


def test_a_pool_that_is_not_active_is_unseen_and_not_empty(
    conn: Connection, pool: str, volume: Callable[..., str]
) -> None:
    volume("data")
    assert "data" in volumes(scan(conn))
    conn.run(lambda handle: handle.storagePoolLookupByName(pool).destroy())
    seen = scan(conn)
    assert seen.unseen_pools == (pool,)
    assert "data" not in volumes(seen)


def test_a_file_deleted_behind_libvirts_back_is_gone(conn: Connection, volume: Callable[..., str]) -> None:
    path = volume("data")
    volume("other")
    Path(path).unlink()
    seen = scan(conn)
    assert set(volumes(seen)) == {"other"}
    assert seen.unseen_pools == ()


def test_a_pool_whose_folder_is_gone_is_unseen(
    conn: Connection, pool: str, volume: Callable[..., str], tmp_path: Path
) -> None:
    volume("data")
    shutil.rmtree(tmp_path / "pool")
    assert scan(conn).unseen_pools == (pool,)


def test_snapshots_are_seen_with_what_they_may_hold(
    conn: Connection, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    uuid = domain("web", devices=disk(volume("root")))
    found = conn.run(lambda handle: handle.lookupByUUIDString(uuid))
    found.snapshotCreateXML("<domainsnapshot><name>before</name></domainsnapshot>", 0)
    (snapshot,) = the(scan(conn), uuid).snapshots
    assert (snapshot.name, snapshot.amounts) == ("before", {"snapshots": 1, "disk": 8 * MIB})


def test_a_hint_is_rewritten_live_and_in_the_definition(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", metadata=ITEM, paused=True)
    moved = Hint("o'<&", "other", "c", "vm:web")
    assert set_hint(conn, uuid, moved)
    assert not set_hint(conn, uuid, moved)
    assert the(scan(conn), uuid).hint == moved
    conn.run(lambda handle: handle.lookupByUUIDString(uuid).destroy())
    assert the(scan(conn), uuid).hint == moved


def test_tags_are_rewritten_beside_the_hint(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", metadata=ITEM, paused=True)
    tags = {"role": "a,b", "note": "o'<&"}
    assert find_metadata(conn, uuid) == (HINT, {})
    assert set_tags(conn, uuid, tags)
    assert not set_tags(conn, uuid, tags)
    assert find_metadata(conn, uuid) == (HINT, tags)
    conn.run(lambda handle: handle.lookupByUUIDString(uuid).destroy())
    assert find_metadata(conn, uuid) == (HINT, tags)
    assert set_tags(conn, uuid, {})
    assert find_metadata(conn, uuid) == (HINT, {})
    assert find_metadata(conn, "3b0b0b7e-0000-5000-8000-00000000dead") is None


def test_an_observation_survives_json(
    conn: Connection, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    domain("web", devices=disk(volume("root")), metadata=ITEM, paused=True)
    seen = scan(conn)
    assert wire.from_json(json.loads(json.dumps(wire.to_json(seen)))) == seen


def come_and_go(uri: str, pool: str, name: str) -> None:
    """A domain and a volume that are there for a moment."""
    with connect(uri) as conn:
        text = (
            f"<domain type='qemu'><name>{name}</name><memory>65536</memory><os><type>hvm</type></os></domain>"
        )
        made = conn.run(lambda handle: handle.defineXML(text))
        conn.run(lambda _: made.undefine())
        text = f"<volume><name>{name}</name><capacity>4096</capacity></volume>"
        volume = conn.run(lambda handle: handle.storagePoolLookupByName(pool).createXML(text, 0))
        conn.run(lambda _: volume.delete(0))


def test_what_vanishes_in_mid_scan_fails_nothing(conn: Connection, pool: str, domain: MakeDomain) -> None:
    stays = domain("stays")
    stop, failures = threading.Event(), []

    def churn() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            come_and_go(conn.uri, pool, f"t{n}")

    def guarded() -> None:
        try:
            churn()
        except Exception as error:  # noqa: BLE001  shown by the test's own thread
            failures.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    try:
        for _ in range(40):
            seen = scan(conn)
            assert stays in {found.uuid for found in seen.domains}
            assert seen.unseen_pools == ()
    finally:
        stop.set()
        thread.join(30)
    assert failures == []


def test_a_scan_of_twenty_domains_is_quick(
    conn: Connection, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    for n in range(20):
        domain(f"web-{n}", devices=disk(volume(f"root-{n}")))
    seen = conn.run(lambda _: scan(conn), seconds=5.0)
    assert len(seen.domains) == 20
    assert len(seen.volumes) == 20


@pytest.mark.parametrize("uuid", ["00000000-0000-4000-8000-000000000000"])
def test_what_is_not_there_is_none(conn: Connection, uuid: str) -> None:
    assert find_domain(conn, uuid) is None
    assert find_network(conn, uuid) is None
