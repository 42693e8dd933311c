"""Port forwards over the wire, on networks of a real libvirtd; the contract tests try them."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from limen.hypervisor.connection import Connection
from limen_provider.properties import UNKNOWN
from tests.unit.provider.stack import Made, make
from tests.unit.provider.wire import Provider, Refused, changed


@pytest.fixture
def networks(conn: Connection) -> Iterator[tuple[str, str]]:
    """Two NAT networks, 10.78.1.0/24 and 10.78.2.0/24."""
    names = [f"nat-{uuid.uuid4().hex[:6]}" for _ in range(2)]
    for number, name in enumerate(names, 1):
        text = (
            f"<network><name>{name}</name><forward mode='nat'/><bridge name='bn{name[4:]}'/>"
            f"<ip address='10.78.{number}.1' netmask='255.255.255.0'/></network>"
        )
        conn.run(lambda handle, text=text: handle.networkDefineXML(text).create())
    yield names[0], names[1]
    for name in names:
        conn.run(lambda handle, name=name: handle.networkLookupByName(name).destroy())
        conn.run(lambda handle, name=name: handle.networkLookupByName(name).undefine())


def _inputs(uri: str, network: object, **changes: Any) -> dict[str, Any]:
    wanted = {"libvirtUri": uri, "network": network, "hostPort": 8080, "address": "10.78.1.10", "port": 80}
    return {**wanted, **changes}


def _read(made: Made) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return made.wire.read(made.id, made.inputs, made.outputs)


def test_a_port_is_opened_led_elsewhere_and_closed(
    provider: Provider, conn: Connection, networks: tuple[str, str]
) -> None:
    forward = make(provider, "PortForward", _inputs(conn.uri, networks[0]))
    assert forward.id == f"{networks[0]}/tcp/8080"
    assert not changed(forward.diff())
    assert _read(forward) == (forward.id, forward.inputs, forward.inputs)
    news = {**forward.inputs, "port": 81}
    diff = forward.diff(news)
    assert changed(diff)
    assert not diff.replaces
    forward.update(news)
    assert _read(forward)[1]["port"] == 81
    assert not changed(forward.diff())
    imported = provider.of("PortForward").read(forward.id)
    assert imported[1] == {**forward.inputs, "port": 81}
    forward.delete()
    assert _read(forward)[0] == ""
    assert changed(forward.diff())
    forward.delete()


def test_a_port_of_the_host_belongs_to_one_network(
    provider: Provider, conn: Connection, networks: tuple[str, str]
) -> None:
    forward = make(provider, "PortForward", _inputs(conn.uri, networks[0]))
    with pytest.raises(Refused, match=f"in the network {networks[0]} already"):
        make(provider, "PortForward", _inputs(conn.uri, networks[1], address="10.78.2.10"))
    diff = forward.diff({**forward.inputs, "network": networks[1]})
    assert list(diff.replaces) == ["network"]
    assert diff.deleteBeforeReplace


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"protocol": "sctp"}, "protocol"),
        ({"hostPort": 65536}, "hostPort"),
        ({"port": 0}, "port"),
        ({"address": "web"}, "address"),
    ],
)
def test_bad_inputs_are_refused_in_check(
    provider: Provider, conn: Connection, changes: dict[str, Any], path: str
) -> None:
    _, failures = provider.of("PortForward").check(_inputs(conn.uri, "lan", **changes))
    assert list(failures) == [path]


def test_a_preview_of_a_network_to_come_is_no_error(provider: Provider, conn: Connection) -> None:
    wire = provider.of("PortForward")
    inputs, failures = wire.check(_inputs(conn.uri, UNKNOWN))
    assert not failures
    assert wire.create(inputs, preview=True)[1]["network"] is UNKNOWN
