"""The observer against a real libvirtd in namespaces of its own: charges settle by themselves."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import libvirt
import pytest
from prometheus_client.parser import text_string_to_metric_families

from limen.client import ApiError, Client, QuotaDenied
from limen.hypervisor.connection import Connection, connect
from limen.quota.model import Seen, item_uuid
from tests.contract.hypervisors import hypervisor
from tests.lab import libvirtd
from tests.lab.instance import Instance
from tests.lab.processes import wait_until

from .conftest import World

POOL = "<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>"
VOLUME = (
    "<volume><name>root</name><capacity unit='MiB'>8</capacity>"
    "<target><format type='qcow2'/></target></volume>"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Instance]:
    with hypervisor("ob") as made:
        yield made


@pytest.fixture
def real(lab: Instance, world: World) -> World:
    """The world with its host registered over the API, at a real libvirtd."""
    with world.administrator() as client:
        host = client.add_host(lab.libvirt_uri, world.host_name + "-real")
    return replace(world, host=UUID(host["id"]), host_name=host["name"])


@pytest.fixture
def conn(lab: Instance) -> Iterator[Connection]:
    with connect(lab.libvirt_uri) as connection:
        yield connection


def define(conn: Connection, identity: str, name: str, devices: str = "") -> None:
    text = (
        f"<domain type='qemu'><name>{name}</name><uuid>{identity}</uuid><memory unit='MiB'>64</memory>"
        "<vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><cpu mode='maximum'/>"
        f"{devices}</domain>"
    )
    conn.run(lambda handle: handle.defineXML(text))


def undefine(conn: Connection, identity: str) -> None:
    conn.run(lambda handle: handle.lookupByUUIDString(identity).undefine())


def states(client: Client, claim_id: str) -> list[str]:
    return [item["state"] for item in client.get_claim(claim_id)["items"]]


def scans(world: World) -> float:
    with world.http("unused") as http:
        families = text_string_to_metric_families(http.get("/metrics").text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "limen_scans_total" and sample.labels["host"] == world.host_name
    )


def test_a_host_is_registered_with_its_uuid_and_capacity(real: World, lab: Instance) -> None:
    with real.administrator() as client:
        host = client.get_host(real.host_name)
    assert host["id"] == lab.host_uuid
    assert host["reachable"] is True
    assert host["scanned"]
    capacity = {each["resource"]: int(each["capacity"]) for each in host["resources"]}
    assert capacity["vcpus"] == os.cpu_count()
    assert capacity["memory"] > 2**30


def test_devices_are_counted_as_they_are_given(real: World, lab: Instance) -> None:
    with real.administrator() as client, real.operator() as operator:
        for project in (real.team, real.demo):
            client.set_limits(project, {"device:a100": {"hard": "unlimited"}})
        item = real.item("a", memory="64MiB", **{"device:a100": 2})
        with pytest.raises(QuotaDenied, match="host"):
            operator.create_claim(str(uuid4()), **real.claim(item))

        client.add_host(lab.libvirt_uri, real.host_name, devices={"device:a100": 2})
        host = client.add_host(lab.libvirt_uri, real.host_name, overcommit={"vcpus": "10"})
        resources = {each["resource"]: each for each in host["resources"]}
        assert resources["device:a100"]["capacity"] == "2", "what an update leaves out stays"
        assert resources["vcpus"]["overcommit"] == "10"
        operator.create_claim(str(uuid4()), **real.claim(item))
        client.set_limits(real.demo, {name: {"hard": "9"} for name in ("vms", "vcpus")})
        with pytest.raises(QuotaDenied, match="device:a100"):
            operator.create_claim(
                str(uuid4()), **real.claim(real.item("b", memory="1MiB", **{"device:a100": 1}))
            )

        with pytest.raises(ApiError, match="device:NAME only, not vcpus") as refused:
            client.add_host(lab.libvirt_uri, real.host_name, devices={"vcpus": 999})
        assert refused.value.code == "invalid"
        with pytest.raises(ApiError, match="no capacity of device:h100"):
            client.add_host(lab.libvirt_uri, real.host_name, reserve={"device:h100": 1})


def test_an_item_commits_and_settles_by_events_alone(real: World, conn: Connection) -> None:
    claim_id = str(uuid4())
    identity = str(item_uuid(claim_id, "vm:a"))
    sizes = {"vms": 1, "vcpus": 1, "memory": "64MiB"}
    with real.operator() as client:
        client.create_claim(claim_id, **real.claim(real.item("a", memory="64MiB")))
        client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(real.host))
        define(conn, identity, f"a-{real.name}")
        wait_until(lambda: states(client, claim_id) == ["committed"], 20.0, "committed after libvirt's event")

        # Destroying comes late: the settlement waits for it, and gives the charge back only then.
        with ThreadPoolExecutor(1) as pool:
            settling = pool.submit(client.settle_item, claim_id, "vm:a", 60.0)
            wait_until(lambda: states(client, claim_id) == ["lapsing"], 20.0, "given up and still charged")
            assert client.get_claim(claim_id)["charge"]["vms"] == "1"
            undefine(conn, identity)
            gone = time.monotonic()
            assert settling.result(60)["state"] == "released"
            assert time.monotonic() - gone < 10, "an event settles it, not the next scan"
        assert client.get_claim(claim_id)["charge"] == {}


def test_what_is_still_there_stays_charged(real: World, conn: Connection) -> None:
    claim_id = str(uuid4())
    identity = str(item_uuid(claim_id, "vm:a"))
    with real.operator() as client:
        client.create_claim(claim_id, **real.claim(real.item("a", memory="64MiB")))
        define(conn, identity, f"b-{real.name}")
        try:
            wait_until(lambda: states(client, claim_id) == ["committed"], 20.0, "committed")
            settled = client.settle_item(claim_id, "vm:a", wait_seconds=1.5)
            assert (settled["state"], settled["charge"]["memory"]) == ("lapsing", str(64 * 2**20))
        finally:
            undefine(conn, identity)
        wait_until(lambda: states(client, claim_id) == [], 20.0, "gone after libvirt's event")


@pytest.fixture
def snapshotable(conn: Connection, tmp_path: Path) -> Iterator[str]:
    """UUID of a domain that is off, with a qcow2 disk of 8 MiB in a pool."""
    name, identity = f"p-{uuid4().hex[:8]}", str(uuid4())
    pool = conn.run(lambda handle: handle.storagePoolCreateXML(POOL.format(name=name, path=tmp_path), 0))
    volume = pool.createXML(VOLUME, 0)
    disk = f"<disk type='volume'><driver name='qemu' type='qcow2'/><source pool='{name}' volume='root'/>"
    define(conn, identity, f"s-{name}", f"<devices>{disk}<target dev='vda' bus='virtio'/></disk></devices>")
    yield identity
    conn.run(lambda handle: handle.lookupByUUIDString(identity)).undefineFlags(
        libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    )
    volume.delete(0)
    pool.destroy()


def test_a_snapshot_commits_and_settles_by_what_libvirt_shows(
    real: World, conn: Connection, snapshotable: str
) -> None:
    claim_id, key, identity = str(uuid4()), "snapshot:a-before", f"{snapshotable}/before"
    amounts = {"snapshots": "1", "disk": str(8 * 2**20)}
    item = {"key": key, "kind": "snapshot", "name": "before", "snapshot": identity, "amounts": amounts}
    domain = conn.run(lambda handle: handle.lookupByUUIDString(snapshotable))
    with real.administrator() as administrator, real.operator() as client:
        for project in (real.team, real.demo):
            administrator.set_limits(project, {"snapshots": {"hard": "1"}})
        wanted = real.claim(item, owner={"kind": "vm", "name": "a"})
        assert client.create_claim(claim_id, **wanted)["items"][0]["snapshot"] == identity
        snapshot = domain.snapshotCreateXML("<domainsnapshot><name>before</name></domainsnapshot>", 0)
        client.scan_host(real.host_name)
        (held,) = client.get_claim(claim_id)["items"]
        assert (held["state"], held["observed"]) == ("committed", amounts)
        findings = administrator.get_findings()["findings"]
        assert identity not in {each["identity"] for each in findings}, "neither orphan nor drift"

        settled = client.settle_item(claim_id, key, wait_seconds=0)
        assert (settled["state"], settled["charge"]) == ("lapsing", amounts)
        snapshot.delete(0)
        assert client.settle_item(claim_id, key)["state"] == "released"


def test_scans_that_are_asked_for_together_are_shared(real: World) -> None:
    before = scans(real)
    with real.operator() as client, ThreadPoolExecutor(12) as pool:
        for answer in pool.map(lambda _: client.scan_host(real.host_name), range(12)):
            assert answer["reachable"]
    assert 1 <= scans(real) - before <= 8


def test_orphans_are_named_to_administrators(real: World, conn: Connection) -> None:
    identity = str(uuid4())
    define(conn, identity, f"orphan-{real.name}")
    try:
        with real.administrator() as administrator, real.operator() as operator:
            administrator.scan_host(real.host_name)
            found = {each["identity"]: each for each in administrator.get_findings()["findings"]}
            assert found[identity]["kind"] == "orphan"
            assert found[identity]["observed"]["memory"] == str(64 * 2**20)
            assert identity not in str(operator.get_findings())
    finally:
        undefine(conn, identity)


def test_base_images_are_no_orphans(world: World) -> None:
    name = f"limen-image-{'a' * 64}.qcow2"
    world.scan(
        Seen("disk", f"default/{name}", name, {"disk": 7}), Seen("disk", "default/x", "x", {"disk": 7})
    )
    with world.administrator() as administrator:
        found = [
            each["name"]
            for each in administrator.get_findings()["findings"]
            if each["host"] == str(world.host)
        ]
        disk = next(
            each
            for each in administrator.get_host(world.host_name)["resources"]
            if each["resource"] == "disk"
        )
    assert found == ["x"]
    assert disk["orphans"] == "14"


def test_an_orphan_is_adopted_when_it_fits_and_is_not_touched(real: World, conn: Connection) -> None:
    identity = str(uuid4())
    define(conn, identity, f"old-{real.name}")
    text = conn.run(lambda handle: handle.lookupByUUIDString(identity)).XMLDesc(0)
    try:
        with real.administrator() as client, real.operator() as operator:
            client.scan_host(real.host_name)
            orphan = next(each for each in client.get_findings()["findings"] if each["identity"] == identity)
            assert (orphan["kind"], orphan["actions"]) == ("orphan", ["adopt"])
            told = {"finding": orphan["id"], "action": "adopt", "project": real.demo}

            client.set_limits(real.demo, {"memory": {"hard": "63MiB"}})
            for check in (True, False):
                (refused,) = client.repair([told], check=check)["results"]
                assert (refused["done"], refused["claim"]) == (False, None)
                assert f"project {real.demo} may not use 64MiB more memory" in refused["detail"]
                assert refused["decision"]["violations"][0]["shortfall"] == str(2**20)
            client.set_limits(real.demo, {"memory": {"hard": "64MiB"}})
            (foreseen,) = client.repair([told], check=True)["results"]
            assert (foreseen["done"], foreseen["claim"]) == (True, None)
            assert operator.list_claims(real.demo) == []

            (adopted,) = client.repair([told])["results"]
            assert adopted["done"] is True
            claim = operator.get_claim(adopted["claim"])
            assert (claim["owner"]["kind"], claim["items"][0]["uuid"]) == ("adopted", identity)
            assert claim["charge"] == {"vms": "1", "vcpus": "1", "memory": str(64 * 2**20)}
            assert identity not in str(client.get_findings())
            assert conn.run(lambda handle: handle.lookupByUUIDString(identity)).XMLDesc(0) == text

            for told_again in ({**told, "project": None}, {**told, "action": "release"}):
                with pytest.raises(ApiError, match="adopt needs the project"):
                    client.repair([told_again])
    finally:
        undefine(conn, identity)


def test_a_ghost_is_released_when_told(real: World, conn: Connection) -> None:
    claim_id = str(uuid4())
    identity = str(item_uuid(claim_id, "vm:a"))
    with real.operator() as client, real.administrator() as administrator:
        client.create_claim(claim_id, **real.claim(real.item("a", memory="64MiB")))
        define(conn, identity, f"g-{real.name}")
        wait_until(lambda: states(client, claim_id) == ["committed"], 20.0, "committed")
        undefine(conn, identity)
        administrator.scan_host(real.host_name)
        ghost = next(each for each in client.get_findings()["findings"] if each["claim"] == claim_id)
        assert (ghost["kind"], ghost["actions"]) == ("ghost", ["release"])
        assert client.get_claim(claim_id)["charge"]["vms"] == "1"
        wrong = administrator.repair([{"finding": ghost["id"], "action": "lower"}])["results"]
        assert wrong[0]["done"] is False
        done = administrator.repair([{"finding": ghost["id"], "action": "release"}])["results"]
        assert done == [
            {
                "finding": ghost["id"],
                "action": "release",
                "done": True,
                "detail": None,
                "claim": claim_id,
                "decision": None,
            }
        ]
        administrator.scan_host(real.host_name)
        assert client.get_claim(claim_id)["charge"] == {}


def test_a_host_that_is_away_keeps_its_charges_and_comes_back(
    real: World, lab: Instance, conn: Connection
) -> None:
    claim_id = str(uuid4())
    identity = str(item_uuid(claim_id, "vm:a"))
    with real.operator() as client, real.administrator() as administrator:
        client.create_claim(claim_id, **real.claim(real.item("a", memory="64MiB")))
        define(conn, identity, f"c-{real.name}")
        wait_until(lambda: states(client, claim_id) == ["committed"], 20.0, "committed")
        try:
            libvirtd.down(lab)
            with pytest.raises(ApiError) as raised:
                administrator.scan_host(real.host_name)
            assert raised.value.code == "unavailable"
            said = f"The hypervisor at {lab.libvirt_uri} is not available: "
            assert str(raised.value).startswith(said)
            assert str(raised.value).count("is not available") == 1
            host = administrator.get_host(real.host_name)
            assert host["reachable"] is False
            assert host["error"]
            assert real.host_name in administrator.get_findings()["unreachable"]
            assert client.get_claim(claim_id)["charge"]["vms"] == "1"
        finally:
            libvirtd.up(lab)
        wait_until(lambda: administrator.get_host(real.host_name)["reachable"] is True, 20.0, "seen again")
        assert states(client, claim_id) == ["committed"]
    with connect(lab.libvirt_uri) as again:
        undefine(again, identity)
