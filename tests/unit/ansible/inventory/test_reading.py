"""Reading hypervisors: what is slow, gone or silent."""

import threading
import time
from typing import Any

import pytest
from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError
from ansible_collections.limen.platform.plugins.module_utils.inventory_libvirt import (
    read_all,
    read_hypervisor,
    without_questions,
)
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import (
    from_plain,
    to_plain,
)

from tests.unit.ansible.inventory.hypervisors import (
    FakeConnection,
    FakeDomain,
    FakeError,
    FakeNetwork,
)

MAC, SECOND = "52:54:00:00:00:01", "52:54:00:00:00:02"
LAN, OTHER = "<source network='lan'/>", "<source network='other'/>"
AGENT, ARP = 1, 2


def test_the_first_source_that_knows_an_address_is_asked_last() -> None:
    web = FakeDomain("web", "u1", cards=[(MAC, LAN), (SECOND, OTHER)])
    web.told = {ARP: {MAC: "10.0.0.99", SECOND: "10.0.1.5"}, AGENT: {SECOND: "10.0.1.6"}}
    connection = FakeConnection([web], [FakeNetwork("lan", leases={MAC: "10.0.0.5"})])
    opened: list[bool] = []

    def connect(_uri: str, writable: bool) -> Any:
        opened.append(writable)
        return connection

    [machine] = read_hypervisor("x:///", "h", ("lease", "arp"), connect)
    assert [each.address for card in machine.cards for each in card.addresses] == ["10.0.0.5", "10.0.1.5"]
    assert machine.address(networks=["other"]) == "10.0.1.5"
    assert machine.address(networks=["lan"]) == "10.0.0.5"
    [machine] = read_hypervisor("x:///", "h", ("agent",), connect)
    assert machine.address() == "10.0.1.6"
    assert opened == [False, True], "only the agent needs a connection that may write"
    assert connection.closed


def test_a_domain_that_goes_meanwhile_and_a_silent_agent_fail_nothing() -> None:
    stays, gone = FakeDomain("stays", "u1", cards=[(MAC, LAN)]), FakeDomain("gone", "u2", gone=True)
    connection = FakeConnection([stays, gone], [])
    found = read_hypervisor("x:///", "h", ("agent", "arp"), lambda *_: connection)
    assert [machine.name for machine in found] == ["stays"]
    assert found[0].address() == ""


def test_addresses_that_lead_nowhere_are_left_out() -> None:
    web = FakeDomain("web", "u1", cards=[(MAC, LAN)], told={ARP: {MAC: "169.254.3.4"}})
    [machine] = read_hypervisor("x:///", "h", ("lease", "arp"), lambda *_: FakeConnection([web]))
    assert machine.address() == ""


def test_a_hypervisor_that_hangs_does_not_hold_up_the_others() -> None:
    released = threading.Event()

    def connect(uri: str, _writable: bool) -> Any:
        if "slow" in uri:
            released.wait(30)
        if "broken" in uri:
            raise FakeError(38, "unable to connect\nto server")
        return FakeConnection([FakeDomain("web", "u1")])

    started = time.monotonic()
    hosts = [("x://slow/", ""), ("x://fast/", ""), ("x://broken/", "")]
    slow, fast, broken = read_all(hosts, ("lease",), 0.3, connect)
    released.set()
    assert time.monotonic() - started < 10
    assert isinstance(slow, LimenError)
    assert "x://slow/ gave no answer within 0.3 s" in str(slow)
    assert isinstance(fast, list)
    assert [machine.name for machine in fast] == ["web"]
    assert isinstance(broken, LimenError)
    assert "x://broken/ can't be read: unable to connect to server" in str(broken)


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("qemu+ssh://h/system", "qemu+ssh://h/system?no_tty=1"),
        ("qemu+ssh://h/system?keyfile=/k", "qemu+ssh://h/system?keyfile=/k&no_tty=1"),
        ("qemu+ssh://h/system?no_tty=0", "qemu+ssh://h/system?no_tty=0"),
        ("qemu:///system", "qemu:///system"),
    ],
)
def test_ssh_asks_nobody_for_a_password(uri: str, asked: str) -> None:
    assert without_questions(uri) == asked


def test_a_machine_survives_the_cache() -> None:
    web = FakeDomain("web", "u1", tags={"role": "a"}, cards=[(MAC, LAN)], told={ARP: {MAC: "10.0.0.5"}})
    [machine] = read_hypervisor("x:///", "h", ("arp",), lambda *_: FakeConnection([web]))
    assert from_plain(to_plain(machine)) == machine
