from collections.abc import Callable

import pytest

from limen.hypervisor.connection import Connection
from limen.hypervisor.devices import (
    attach_disk,
    attach_interface,
    detach_disk,
    detach_interface,
    move_interface,
)
from limen.hypervisor.domains import find_domain
from limen.hypervisor.errors import NotFound, Refused
from tests.contract.hypervisor.conftest import MakeDomain
from tests.contract.hypervisor.pieces import disk

MAC = "52:54:00:00:00:01"


def targets(conn: Connection, uuid: str) -> dict[str, str | None]:
    seen = find_domain(conn, uuid)
    assert seen is not None
    return {found.target: found.volume for found in seen.disks}


def cards(conn: Connection, uuid: str) -> dict[str, str | None]:
    seen = find_domain(conn, uuid)
    assert seen is not None
    return {card.mac: card.network for card in seen.interfaces}


def power_off(conn: Connection, uuid: str) -> None:
    conn.run(lambda handle: handle.lookupByUUIDString(uuid).destroy())


def test_a_disk_is_plugged_in_live_and_for_the_next_start(
    conn: Connection, pool: str, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    volume("data")
    uuid = domain("web", paused=True)
    assert attach_disk(conn, uuid, "vdb", pool, "data")
    assert targets(conn, uuid) == {"vdb": "data"}
    assert not attach_disk(conn, uuid, "vdb", pool, "data")
    power_off(conn, uuid)
    assert targets(conn, uuid) == {"vdb": "data"}


def test_a_q35_machine_takes_as_many_disks_as_it_has_free_ports(
    conn: Connection, pool: str, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    ports = "".join(f"<controller type='pci' index='{n}' model='pcie-root-port'/>" for n in range(1, 9))
    uuid = domain("web", devices=ports, machine="q35", paused=True)
    for target in ("vdb", "vdc", "vdd"):
        volume(target)
        assert attach_disk(conn, uuid, target, pool, target)
    assert set(targets(conn, uuid)) == {"vdb", "vdc", "vdd"}


def test_what_was_attached_halfway_is_completed(
    conn: Connection, pool: str, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    path = volume("data")
    uuid = domain("web", paused=True)
    conn.run(
        lambda handle: handle.lookupByUUIDString(uuid).attachDeviceFlags(disk(path, "vdb"), 1)
    )  # live only
    assert attach_disk(conn, uuid, "vdb", pool, "data")
    power_off(conn, uuid)
    assert targets(conn, uuid) == {"vdb": "data"}


def test_a_taken_target_is_refused(
    conn: Connection, pool: str, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    volume("data")
    uuid = domain("web", devices=disk(volume("root")))
    with pytest.raises(Refused, match="vda of the domain web already holds /"):
        attach_disk(conn, uuid, "vda", pool, "data")
    with pytest.raises(NotFound, match="no volume none"):
        attach_disk(conn, uuid, "vdb", pool, "none")
    assert targets(conn, uuid) == {"vda": "root"}


def test_a_disk_of_a_domain_that_is_off_is_unplugged(
    conn: Connection, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    uuid = domain("web", devices=disk(volume("root")) + disk(volume("data"), "vdb"))
    assert detach_disk(conn, uuid, "vdb")
    assert not detach_disk(conn, uuid, "vdb")
    assert targets(conn, uuid) == {"vda": "root"}


def test_a_guest_that_does_not_let_go_keeps_its_disk(
    conn: Connection, domain: MakeDomain, volume: Callable[..., str]
) -> None:
    uuid = domain("web", devices=disk(volume("data"), "vdb"), paused=True)
    with pytest.raises(Refused, match="has not let go of the disk vdb"):
        detach_disk(conn, uuid, "vdb", seconds=0.2)
    power_off(conn, uuid)
    assert targets(conn, uuid) == {"vdb": "data"}, "its definition is unchanged"


def test_a_card_is_plugged_in_moved_and_unplugged(
    conn: Connection, domain: MakeDomain, network: Callable[..., str]
) -> None:
    network("lan-a")
    network("lan-b")
    uuid = domain("web", paused=True)
    assert attach_interface(conn, uuid, MAC, network="lan-a")
    assert not attach_interface(conn, uuid, MAC.upper(), network="lan-a")
    assert cards(conn, uuid) == {MAC: "lan-a"}
    assert move_interface(conn, uuid, MAC, network="lan-b")
    assert not move_interface(conn, uuid, MAC, network="lan-b")
    assert cards(conn, uuid) == {MAC: "lan-b"}
    power_off(conn, uuid)
    assert cards(conn, uuid) == {MAC: "lan-b"}
    assert detach_interface(conn, uuid, MAC)
    assert not detach_interface(conn, uuid, MAC)
    assert cards(conn, uuid) == {}


def test_a_running_cards_bridge_changes_with_its_network(
    conn: Connection, domain: MakeDomain, network: Callable[..., str]
) -> None:
    network("lan-a")
    other = network("lan-b")
    card = f"<interface type='network'><mac address='{MAC}'/><source network='lan-a'/></interface>"
    uuid = domain("web", devices=card, paused=True)
    assert move_interface(conn, uuid, MAC, network="lan-b")
    seen = find_domain(conn, uuid)
    assert seen is not None
    assert [found.bridge for found in seen.interfaces] == [f"br-{other[:8]}"]


def test_a_card_that_is_not_there_cannot_move(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web")
    with pytest.raises(Refused, match=f"no network card {MAC}"):
        move_interface(conn, uuid, MAC, network="lan")
