"""Fixed addresses of cards, when two resources of one stack change them at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from limen.hypervisor.connection import Connection
from limen.hypervisor.reservations import release_address, reserve_address
from tests.contract.hypervisor.conftest import MakeDomain

NETWORK = "reserved"
ROUNDS = 5
MACS = ("52:54:00:00:00:11", "52:54:00:00:00:12")
CLAIM = "5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001"


@pytest.fixture
def network(conn: Connection) -> Iterator[str]:
    text = (
        f"<network><name>{NETWORK}</name><bridge name='reserved0'/><ip address='10.92.0.1' prefix='24'>"
        "<dhcp><range start='10.92.0.100' end='10.92.0.200'/></dhcp></ip></network>"
    )
    made = conn.run(lambda handle: handle.networkDefineXML(text))
    conn.run(lambda _handle: made.create())
    yield NETWORK
    conn.run(lambda _handle: made.destroy())
    conn.run(lambda _handle: made.undefine())


def test_an_address_is_given_once(conn: Connection, network: str) -> None:
    assert reserve_address(conn, network, MACS[0], "10.92.0.10", "web")
    assert not reserve_address(conn, network, MACS[0], "10.92.0.10", "web")
    assert release_address(conn, network, MACS[0])
    assert not release_address(conn, network, MACS[0])


def test_a_card_gives_up_its_address_while_another_of_its_owner_takes_it(
    conn: Connection, network: str, domain: MakeDomain
) -> None:
    cards = "".join(f"<interface type='user'><mac address='{mac}'/></interface>" for mac in MACS)
    hint = (
        f"<limen:item xmlns:limen='urn:limen:domain:1' owner='o' project='p' claim='{CLAIM}' key='vm:web'/>"
    )
    domain("web", devices=cards, metadata=hint)
    started = Barrier(2)

    def give_up() -> bool:
        started.wait()
        return release_address(conn, network, MACS[0])

    def take() -> bool:
        started.wait()
        return reserve_address(conn, network, MACS[1], "10.92.0.10", claim=CLAIM)

    for _round in range(ROUNDS):
        reserve_address(conn, network, MACS[0], "10.92.0.10")
        with ThreadPoolExecutor(2) as both:
            results = [both.submit(give_up), both.submit(take)]
        for result in results:
            result.result()
        assert not release_address(conn, network, MACS[0])
        assert release_address(conn, network, MACS[1])
