"""Resources that change a VM in place, over the wire, on domains of a real libvirtd."""

import subprocess
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from limen.hypervisor.connection import Connection
from limen.hypervisor.domains import find_metadata, set_tags
from limen.hypervisor.model import Hint
from limen_provider.properties import UNKNOWN
from tests.integration.provider.conftest import MakeDomain
from tests.unit.provider.stack import Made, make
from tests.unit.provider.wire import Provider, Refused, changed

MIB = 2**20
MAC = "52:54:00:aa:bb:01"


def _xml(conn: Connection, identity: str) -> ET.Element:
    return ET.fromstring(conn.run(lambda handle: handle.lookupByUUIDString(identity).XMLDesc(0)))  # noqa: S314


def _reserved(conn: Connection, network: str) -> dict[str, str]:
    text = conn.run(lambda handle: handle.networkLookupByName(network).XMLDesc(0))
    return {host.get("mac", ""): host.get("ip", "") for host in ET.fromstring(text).iterfind("ip/dhcp/host")}  # noqa: S314


def _read(made: Made) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return made.wire.read(made.id, made.inputs, made.outputs)


class TestDomainSize:
    def _make(self, provider: Provider, uri: str, identity: str, **changes: Any) -> Made:
        inputs = {"libvirtUri": uri, "uuid": identity, "vcpus": 1, "memory": 64 * MIB}
        return make(provider, "DomainSize", {**inputs, **changes})

    def test_a_domain_of_that_size_is_left_alone(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        identity = domain(paused=True)
        before = ET.tostring(_xml(conn, identity))
        size = self._make(provider, conn.uri, identity)
        assert ET.tostring(_xml(conn, identity)) == before
        assert not changed(size.diff())
        assert not provider.engine.texts

    def test_growth_within_the_ceilings_is_live_and_says_so(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        identity = domain(paused=True)
        size = self._make(provider, conn.uri, identity)
        news = {**size.inputs, "memory": 128 * MIB}
        diff = size.diff(news)
        assert changed(diff)
        assert not diff.replaces
        assert "goes from 64MiB to 128MiB of memory, live" in provider.engine.texts
        size.update(news)
        assert conn.run(lambda handle: handle.lookupByUUIDString(identity).isActive())
        assert not changed(size.diff())

    def test_growth_beyond_them_needs_a_restart_that_can_be_forbidden(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        identity = domain(paused=True)
        size = self._make(provider, conn.uri, identity, allowRestart=False)
        with pytest.raises(Refused, match="only with a restart"):
            size.diff({**size.inputs, "vcpus": 4})

    def test_refresh_shows_the_true_size(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        identity = domain()
        size = self._make(provider, conn.uri, identity)
        assert _read(size) == (identity, size.inputs, size.inputs)
        subprocess.run(["virsh", "-q", "-c", conn.uri, "setvcpus", identity, "2", "--config"], check=True)
        _, inputs, outputs = _read(size)
        assert (inputs["vcpus"], outputs["vcpus"]) == (2, 2)
        assert changed(size.diff())
        assert size.update()["vcpus"] == 1
        assert not changed(size.diff())

    def test_a_domain_that_is_gone_is_dropped_from_the_state(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        identity = domain()
        size = self._make(provider, conn.uri, identity)
        conn.run(lambda handle: handle.lookupByUUIDString(identity).undefine())
        assert _read(size)[0] == ""
        size.delete()

    def test_a_preview_of_a_domain_to_come_is_no_error(self, provider: Provider, conn: Connection) -> None:
        wire = provider.of("DomainSize")
        news = {"libvirtUri": conn.uri, "uuid": UNKNOWN, "vcpus": 1, "memory": 64 * MIB}
        inputs, failures = wire.check(news)
        assert not failures
        assert wire.create(inputs, preview=True)[1]["uuid"] is UNKNOWN

    def test_import_asks_the_host(self, provider: Provider, conn: Connection, domain: MakeDomain) -> None:
        identity = domain()
        _, inputs, _ = provider.of("DomainSize").read(identity)
        assert inputs == {"libvirtUri": conn.uri, "uuid": identity, "vcpus": 1, "memory": 64 * MIB}

    def test_a_guest_that_does_not_shut_down_does_not_hold_up_a_deletion(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        size = self._make(provider, conn.uri, domain(paused=True), shutdownSeconds=1)
        size.delete()
        assert "did not shut down" in provider.engine.texts


class TestDomainMetadata:
    def _make(self, provider: Provider, uri: str, identity: str, **changes: Any) -> Made:
        inputs = {"libvirtUri": uri, "uuid": identity, "owner": "vm_stack/dev", "project": "demo"}
        inputs |= {"claim": str(uuid.uuid4()), "key": "vm:web-1", "stack": "vm_stack/dev"}
        return make(provider, "DomainMetadata", {**inputs, **changes})

    def test_tags_change_in_place_and_what_others_wrote_is_put_right(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        identity = domain(paused=True)
        metadata = self._make(provider, conn.uri, identity, tags={"role": "database"})
        assert find_metadata(conn, identity) == (Hint(**_hint(metadata)), {"role": "database"})
        assert not changed(metadata.diff())
        news = {**metadata.inputs, "project": "other", "tags": {"role": "proxy", "tier": "1"}}
        diff = metadata.diff(news)
        assert changed(diff)
        assert not diff.replaces
        metadata.update(news)
        held = find_metadata(conn, identity)
        assert held == (Hint(**_hint(metadata)), news["tags"])
        assert held[0].project == "other"
        assert conn.run(lambda handle: handle.lookupByUUIDString(identity).isActive())

        set_tags(conn, identity, {"role": "mine"})
        assert _read(metadata)[1]["tags"] == {"role": "mine"}
        assert changed(metadata.diff())
        metadata.update()
        assert not changed(metadata.diff())

    def test_without_tags_there_are_none(
        self, provider: Provider, conn: Connection, domain: MakeDomain
    ) -> None:
        identity = domain()
        metadata = self._make(provider, conn.uri, identity, tags={"role": "database"})
        metadata.update({name: value for name, value in metadata.inputs.items() if name != "tags"})
        assert find_metadata(conn, identity) == (Hint(**_hint(metadata)), {})
        assert not changed(metadata.diff())

    def test_tags_are_text(self, provider: Provider) -> None:
        inputs = {"libvirtUri": "x:///", "uuid": str(uuid.uuid4()), "owner": "o", "project": "p"}
        inputs |= {"claim": "c", "key": "k", "tags": {"tier": 1}}
        assert set(provider.of("DomainMetadata").check(inputs)[1]) == {"tags.tier"}


def _hint(made: Made) -> dict[str, str]:
    return {name: made.inputs[name] for name in ("owner", "project", "claim", "key", "stack")}


class TestVolumeSize:
    def _make(self, provider: Provider, uri: str, name: str, mib: int) -> Made:
        inputs = {"libvirtUri": uri, "pool": "default", "name": name, "size": mib * MIB}
        return make(provider, "VolumeSize", inputs)

    def test_a_volume_grows_in_place(
        self, provider: Provider, conn: Connection, volume: Callable[..., str]
    ) -> None:
        size = self._make(provider, conn.uri, volume(8), 8)
        assert not changed(size.diff())
        news = {**size.inputs, "size": 16 * MIB}
        assert changed(size.diff(news))
        assert "grows from 8MiB to 16MiB" in provider.engine.texts
        size.update(news)
        assert _read(size)[1]["size"] == 16 * MIB
        assert not changed(size.diff())

    def test_a_shrink_is_refused_in_the_plan(
        self, provider: Provider, conn: Connection, volume: Callable[..., str]
    ) -> None:
        size = self._make(provider, conn.uri, volume(8), 8)
        with pytest.raises(Refused, match="cannot shrink"):
            size.diff({**size.inputs, "size": 4 * MIB})

    def test_refresh_shows_the_true_size(
        self, provider: Provider, conn: Connection, volume: Callable[..., str]
    ) -> None:
        size = self._make(provider, conn.uri, volume(8), 16)
        size.inputs["size"] = 32 * MIB
        assert _read(size)[1]["size"] == 16 * MIB
        assert changed(size.diff())


class TestDiskAttachment:
    def _make(self, provider: Provider, uri: str, identity: str, name: str) -> Made:
        inputs = {"libvirtUri": uri, "uuid": identity, "target": "vdb", "pool": "default", "volume": name}
        return make(provider, "DiskAttachment", inputs)

    def test_a_disk_is_plugged_in_and_out(
        self, provider: Provider, conn: Connection, domain: MakeDomain, volume: Callable[..., str]
    ) -> None:
        identity, name = domain(), volume()
        disk = self._make(provider, conn.uri, identity, name)
        assert disk.id == f"{identity}/vdb"
        assert _xml(conn, identity).find("devices/disk/target[@dev='vdb']") is not None
        assert not changed(disk.diff())
        assert _read(disk) == (disk.id, disk.inputs, disk.inputs)
        disk.delete()
        assert _xml(conn, identity).find("devices/disk") is None
        assert _read(disk)[0] == ""
        assert changed(disk.diff())
        disk.delete()

    def test_it_is_plugged_into_a_running_domain_as_well(
        self, provider: Provider, conn: Connection, domain: MakeDomain, volume: Callable[..., str]
    ) -> None:
        identity = domain(paused=True)
        self._make(provider, conn.uri, identity, volume())
        assert _xml(conn, identity).find("devices/disk/target[@dev='vdb']") is not None

    def test_another_volume_takes_the_old_ones_place(
        self, provider: Provider, conn: Connection, domain: MakeDomain, volume: Callable[..., str]
    ) -> None:
        disk = self._make(provider, conn.uri, domain(), volume())
        diff = disk.diff({**disk.inputs, "volume": volume()})
        assert list(diff.replaces) == ["volume"]
        assert diff.deleteBeforeReplace


class TestNetworkAttachment:
    def _make(self, provider: Provider, uri: str, identity: str, network: str, **more: Any) -> Made:
        inputs = {"libvirtUri": uri, "uuid": identity, "mac": MAC.upper(), "network": network}
        return make(provider, "NetworkAttachment", {**inputs, **more})

    def test_a_card_is_plugged_in_moved_and_out(
        self, provider: Provider, conn: Connection, domain: MakeDomain, networks: tuple[str, str]
    ) -> None:
        identity = domain()
        card = self._make(provider, conn.uri, identity, networks[0], address="10.77.1.10", hostname="web")
        assert _reserved(conn, networks[0]) == {MAC: "10.77.1.10"}
        assert not changed(card.diff())
        assert _read(card) == (card.id, card.inputs, card.inputs)
        news = {**card.inputs, "network": networks[1], "address": "10.77.2.10"}
        diff = card.diff(news)
        assert changed(diff)
        assert not diff.replaces
        card.update(news)
        (element,) = _xml(conn, identity).findall("devices/interface")
        source = element.find("source")
        assert source is not None
        assert source.get("network") == networks[1]
        assert (_reserved(conn, networks[0]), _reserved(conn, networks[1])) == ({}, {MAC: "10.77.2.10"})
        assert not changed(card.diff())
        card.delete()
        assert _xml(conn, identity).find("devices/interface") is None
        assert _reserved(conn, networks[1]) == {}

    def test_another_address_on_the_same_network(
        self, provider: Provider, conn: Connection, domain: MakeDomain, networks: tuple[str, str]
    ) -> None:
        card = self._make(provider, conn.uri, domain(), networks[0], address="10.77.1.10")
        card.update({**card.inputs, "address": "10.77.1.11"})
        assert _reserved(conn, networks[0]) == {MAC: "10.77.1.11"}
        rest = {name: value for name, value in card.inputs.items() if name != "address"}
        card.update(rest)
        assert _reserved(conn, networks[0]) == {}

    def test_an_address_that_another_card_has_is_refused(
        self, provider: Provider, conn: Connection, domain: MakeDomain, networks: tuple[str, str]
    ) -> None:
        self._make(provider, conn.uri, domain(), networks[0], address="10.77.1.10", hostname="first")
        with pytest.raises(Refused, match=r"gives 10\.77\.1\.10 to first"):
            self._make(
                provider, conn.uri, domain(), networks[0], address="10.77.1.10", mac="52:54:00:aa:bb:02"
            )

    def test_refresh_shows_where_the_card_is(
        self, provider: Provider, conn: Connection, domain: MakeDomain, networks: tuple[str, str]
    ) -> None:
        card = self._make(provider, conn.uri, domain(), networks[0])
        card.update({**card.inputs, "network": networks[1]})
        card.inputs["network"] = networks[0]
        assert _read(card)[1]["network"] == networks[1]
        assert changed(card.diff())

    @pytest.mark.parametrize(
        ("where", "path"),
        [
            ({}, "network"),
            ({"network": "a", "bridge": "b"}, "network"),
            ({"bridge": "b", "address": "10.0.0.1"}, "address"),
        ],
    )
    def test_it_is_on_one_network_or_bridge(
        self, provider: Provider, where: dict[str, str], path: str
    ) -> None:
        inputs = {"libvirtUri": "x:///", "uuid": str(uuid.uuid4()), "mac": MAC, **where}
        assert set(provider.of("NetworkAttachment").check(inputs)[1]) == {path}


def test_a_host_that_does_not_answer_is_named(provider: Provider) -> None:
    uri = "qemu+unix:///system?socket=/nonexistent/socket"
    inputs = {"libvirtUri": uri, "uuid": str(uuid.uuid4()), "vcpus": 1, "memory": 64 * MIB}
    with pytest.raises(Refused, match="/nonexistent/socket is not available"):
        make(provider, "DomainSize", inputs)
