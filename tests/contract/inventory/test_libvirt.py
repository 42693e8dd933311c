"""What the inventory reads of a hypervisor: the same of a fake and of a real libvirtd."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.limen.platform.plugins.module_utils.inventory_libvirt import (
    open_connection,
    read_hypervisor,
)
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import Machine

from tests.contract.hypervisors import hypervisor
from tests.lab.instance import Instance
from tests.unit.ansible.inventory.hypervisors import (
    HINT,
    FakeConnection,
    FakeDomain,
    FakeNetwork,
    metadata,
)

TAGS = {"role": "database,operators", "note": "<&'\"{{ 1 + 1 }}"}
WEB, OFF, FOREIGN = (str(uuid.uuid5(uuid.NAMESPACE_DNS, name)) for name in ("web", "off", "foreign"))
LEASED, SILENT, BRIDGED = "52:54:00:00:10:01", "52:54:00:00:10:02", "52:54:00:00:10:03"
Read = Callable[..., dict[str, Machine]]


@dataclass(frozen=True)
class Reader:
    """Reads the same three machines, wherever they are."""

    uri: str
    connect: Callable[[str, bool], Any]

    def __call__(self, *sources: str) -> dict[str, Machine]:
        found = read_hypervisor(self.uri, "", sources or ("lease", "arp"), self.connect)
        return {machine.name: machine for machine in found}


def fake() -> Reader:
    lan = FakeNetwork("lan", "nat", {LEASED: "10.91.0.10"})
    web = FakeDomain("web", WEB, 3, tags=TAGS)
    web.cards = [(LEASED, "<source network='lan'/>"), (SILENT, "<source network='dark' bridge='virbr1'/>")]
    off = FakeDomain("off", OFF, 5, cards=[(BRIDGED, "<source bridge='br0'/>")])
    foreign = FakeDomain("foreign", FOREIGN, 5, hint=None)
    connection = FakeConnection([web, off, foreign], [lan, FakeNetwork("dark", "isolated")])
    return Reader("fake:///system", lambda _uri, _writable: connection)


@pytest.fixture(scope="module")
def lab() -> Iterator[Instance]:
    with hypervisor("iv") as made:
        furnish(made)
        yield made
        for domain in (WEB, OFF, FOREIGN):
            virsh(made, "destroy", domain, check=False)


def furnish(lab: Instance) -> None:
    """The fake's machines, for real; the lease is written where dnsmasq's helper would write it."""
    network = (
        "<network><name>lan</name><forward mode='nat'/><bridge name='vbrlan'/><ip address='10.91.0.1' "
        "netmask='255.255.255.0'><dhcp><range start='10.91.0.10' end='10.91.0.20'/></dhcp></ip></network>"
    )
    virsh(lab, "net-create", "/dev/stdin", text=network)
    virsh(
        lab,
        "net-create",
        "/dev/stdin",
        text="<network><name>dark</name><bridge name='vbrdark'/></network>",
    )
    lease = {"ip-address": "10.91.0.10", "mac-address": LEASED, "expiry-time": int(time.time()) + 3600}
    (lab.state / "lib" / "dnsmasq" / "vbrlan.status").write_text(json.dumps([lease]))
    cards = (
        f"<interface type='network'><mac address='{LEASED}'/><source network='lan'/></interface>"
        f"<interface type='network'><mac address='{SILENT}'/><source network='dark'/></interface>"
    )
    bridged = f"<interface type='bridge'><mac address='{BRIDGED}'/><source bridge='br0'/></interface>"
    virsh(lab, "create", "--paused", "/dev/stdin", text=domain_xml("web", WEB, HINT, TAGS, cards))
    virsh(lab, "define", "/dev/stdin", text=domain_xml("off", OFF, HINT, {}, bridged))
    virsh(lab, "define", "/dev/stdin", text=domain_xml("foreign", FOREIGN, None, {}, ""))


def domain_xml(
    name: str, identity: str, hint: dict[str, str] | None, tags: dict[str, str], devices: str
) -> str:
    return (
        f"<domain type='qemu'><name>{name}</name><uuid>{identity}</uuid>"
        f"<metadata>{metadata(hint, tags)}</metadata>"
        "<memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os><cpu mode='maximum'/>"
        f"<features><acpi/></features><devices>{devices}</devices></domain>"
    )


def virsh(lab: Instance, *arguments: str, text: str = "", check: bool = True) -> None:
    argv = ["virsh", "-q", "-c", lab.libvirt_uri, *arguments]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr


@pytest.fixture(params=["fake", "libvirtd"])
def read(request: pytest.FixtureRequest) -> Reader:
    if request.param == "fake":
        return fake()
    lab: Instance = request.getfixturevalue("lab")
    return Reader(lab.libvirt_uri, open_connection)


def test_every_domain_is_read_with_its_state_and_size(read: Reader) -> None:
    found = read()
    assert {name: (each.uuid, each.state) for name, each in found.items()} == {
        "web": (WEB, "paused"),
        "off": (OFF, "shutoff"),
        "foreign": (FOREIGN, "shutoff"),
    }
    assert (found["web"].vcpus, found["web"].memory) == (1, 64 * 2**20)
    assert found["web"].uri == read.uri
    assert found["web"].hypervisor


def test_what_limen_wrote_is_read_as_it_was_written(read: Reader) -> None:
    found = read()
    assert found["web"].hint == HINT
    assert found["web"].tags == TAGS
    assert found["web"].roles == ["database", "operators"]
    assert (found["off"].hint, found["off"].tags) == (HINT, {})
    assert (found["foreign"].hint, found["foreign"].tags) == ({}, {})


def test_cards_have_their_network_its_mode_and_their_lease(read: Reader) -> None:
    found = read()
    cards = [(card.mac, card.network, card.mode) for card in found["web"].cards]
    assert cards == [(LEASED, "lan", "nat"), (SILENT, "dark", "isolated")]
    assert [(each.address, each.source) for each in found["web"].cards[0].addresses] == [
        ("10.91.0.10", "lease")
    ]
    assert found["web"].cards[1].addresses == []
    [bridged] = found["off"].cards
    assert (bridged.mac, bridged.network, bridged.bridge, bridged.mode) == (BRIDGED, "", "br0", "")
    assert found["web"].address() == "10.91.0.10"
    assert found["off"].address() == ""


def test_without_leases_among_the_sources_none_is_read(read: Reader) -> None:
    assert read("arp")["web"].address() == ""


def test_a_connection_that_may_not_write_is_enough(lab: Instance) -> None:
    connection = open_connection(lab.libvirt_uri, False)
    try:
        with pytest.raises(Exception, match="read only"):
            connection.lookupByName("web").destroy()
    finally:
        connection.close()
