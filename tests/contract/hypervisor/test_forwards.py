"""Ports of a real host that lead to a guest; a network namespace on the bridge stands in for the guest."""

import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import NotFound, Refused
from limen.hypervisor.forwards import Target, ensure_forward, find_forward, remove_forward
from tests.lab import libvirtd, netns
from tests.lab.instance import Instance

NETWORK = "forwards"
GUEST = Target("10.231.7.10", 8000)
SERVER = """
import select, socket
stream = socket.create_server(("", 8000))
datagrams = socket.socket(type=socket.SOCK_DGRAM)
datagrams.bind(("", 8000))
print("ready", flush=True)
while True:
    for ready in select.select([stream, datagrams], [], [])[0]:
        if ready is stream:
            stream.accept()[0].sendall(b"guest")
        else:
            datagrams.sendto(b"guest", datagrams.recvfrom(16)[1])
"""


def answer(lab: Instance, port: int) -> str:
    """What answers at the lab's port, as seen from the machine: `guest`, or the error's name."""
    address = str(netns.addresses(lab)[1].ip)
    try:
        with socket.create_connection((address, port), timeout=3) as found:
            return found.recv(16).decode()
    except OSError as error:
        return type(error).__name__


def answer_to_datagram(lab: Instance, port: int) -> str:
    """What answers a datagram at the lab's port: `guest`, or the error's name."""
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(3)
        # A socket that is connected hears of a port that nobody listens on.
        asking.connect((str(netns.addresses(lab)[1].ip), port))
        try:
            asking.send(b"?")
            return asking.recv(16).decode()
        except OSError as error:
            return type(error).__name__


def attach(lab: Instance, guest: str) -> None:
    """Plug the guest into the network's bridge; a network that starts anew has a new bridge."""
    subprocess.run(
        ["ip", "-n", lab.namespace, "link", "set", f"p{guest}", "master", "br-forwards"], check=True
    )


@pytest.fixture
def network(lab: Instance, conn: Connection) -> Iterator[str]:
    text = (
        f"<network><name>{NETWORK}</name><uuid>{uuid.uuid4()}</uuid><forward mode='nat'/>"
        "<bridge name='br-forwards' stp='off'/><ip address='10.231.7.1' prefix='24'/></network>"
    )
    conn.run(lambda handle: handle.networkDefineXML(text).create())
    yield NETWORK
    for verb in ("net-destroy", "net-undefine"):
        subprocess.run(["virsh", "-q", "-c", conn.uri, verb, NETWORK], capture_output=True, check=False)


@pytest.fixture
def guest(lab: Instance, network: str) -> Iterator[str]:
    """A namespace at the guest's address in which a server answers `guest`."""
    name = f"g{uuid.uuid4().hex[:8]}"
    netns.ip("netns", "add", name)
    try:
        netns.ip(
            "-n", lab.namespace, "link", "add", f"p{name}", "type", "veth", "peer", "eth0", "netns", name
        )
        attach(lab, name)
        netns.ip("-n", lab.namespace, "link", "set", f"p{name}", "up")
        netns.ip("-n", name, "link", "set", "lo", "up")
        netns.ip("-n", name, "address", "add", f"{GUEST.address}/24", "dev", "eth0")
        netns.ip("-n", name, "link", "set", "eth0", "up")
        netns.ip("-n", name, "route", "add", "default", "via", "10.231.7.1")
        argv = ["ip", "netns", "exec", name, sys.executable, "-c", SERVER]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield name
            server.kill()
    finally:
        netns.ip("netns", "delete", name)


def test_a_port_of_the_host_leads_to_the_guest_until_it_is_closed(
    lab: Instance, conn: Connection, network: str, guest: str
) -> None:
    assert answer(lab, 8080) == "ConnectionRefusedError"
    assert ensure_forward(conn, network, "tcp", 8080, GUEST)
    assert answer(lab, 8080) == "guest"
    assert not ensure_forward(conn, network, "tcp", 8080, GUEST)
    assert find_forward(conn, network, "tcp", 8080) == GUEST
    assert answer(lab, 8081) == "ConnectionRefusedError"
    assert remove_forward(conn, network, "tcp", 8080)
    assert answer(lab, 8080) == "ConnectionRefusedError"
    assert not remove_forward(conn, network, "tcp", 8080)
    assert find_forward(conn, network, "tcp", 8080) is None


def test_datagrams_reach_the_guest_too(lab: Instance, conn: Connection, network: str, guest: str) -> None:
    assert answer_to_datagram(lab, 8053) == "ConnectionRefusedError"
    assert ensure_forward(conn, network, "udp", 8053, GUEST)
    assert answer_to_datagram(lab, 8053) == "guest"
    assert answer(lab, 8053) == "ConnectionRefusedError"
    assert find_forward(conn, network, "udp", 8053) == GUEST
    assert remove_forward(conn, network, "udp", 8053)
    assert answer_to_datagram(lab, 8053) == "ConnectionRefusedError"


def test_a_forward_can_be_led_elsewhere(lab: Instance, conn: Connection, network: str, guest: str) -> None:
    ensure_forward(conn, network, "tcp", 8080, Target(GUEST.address, 9))
    assert answer(lab, 8080) == "ConnectionRefusedError"
    assert ensure_forward(conn, network, "tcp", 8080, GUEST)
    assert answer(lab, 8080) == "guest"


def test_forwards_survive_a_restart_of_the_network_and_go_with_it(
    lab: Instance, conn: Connection, network: str, guest: str
) -> None:
    ensure_forward(conn, network, "tcp", 8080, GUEST)
    libvirtd.virsh(lab, "net-destroy", network)
    rules = subprocess.run([*netns.enter(lab), "iptables-save"], capture_output=True, text=True, check=True)
    assert "LIMEN-" not in rules.stdout
    libvirtd.virsh(lab, "net-start", network)
    attach(lab, guest)
    assert answer(lab, 8080) == "guest"


def test_networks_that_nothing_leads_into_are_refused(lab: Instance, conn: Connection) -> None:
    for rest, words in (("", "neither NAT nor routed"), ("<forward/><dns enable='no'/>", "no name service")):
        text = f"<network><name>other</name>{rest}<ip address='10.231.8.1' prefix='24'/></network>"
        conn.run(lambda handle, text=text: handle.networkDefineXML(text))
        try:
            with pytest.raises(Refused, match=words):
                ensure_forward(conn, "other", "tcp", 8080, Target("10.231.8.2", 80))
        finally:
            libvirtd.virsh(lab, "net-undefine", "other")


def test_what_cannot_be_forwarded_is_refused(lab: Instance, conn: Connection, network: str) -> None:
    with pytest.raises(Refused, match=r"10\.9\.9\.9 is outside the network forwards"):
        ensure_forward(conn, network, "tcp", 8080, Target("10.9.9.9", 80))
    with pytest.raises(NotFound):
        ensure_forward(conn, "nowhere", "tcp", 8080, GUEST)
    ensure_forward(conn, network, "tcp", 8080, GUEST)
    other = (
        "<network><name>other</name><forward mode='route'/><ip address='10.231.8.1' prefix='24'/></network>"
    )
    conn.run(lambda handle: handle.networkDefineXML(other).create())
    try:
        with pytest.raises(
            Refused, match=r"tcp port 8080 leads to 10\.231\.7\.10:8000 in the network forwards"
        ):
            ensure_forward(conn, "other", "tcp", 8080, Target("10.231.8.2", 80))
        assert ensure_forward(conn, "other", "udp", 8080, Target("10.231.8.2", 80))
    finally:
        libvirtd.virsh(lab, "net-destroy", "other")
        libvirtd.virsh(lab, "net-undefine", "other")
