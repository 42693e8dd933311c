"""Ports of the host that lead to guests: what a specification may say, and what it registers."""

from typing import Any

import pytest

from tests.unit.sdk.conftest import Program
from tests.unit.sdk.documents import good, spoilt
from tests.unit.sdk.test_spec_errors import errors

FORWARD = {"host_port": 8080, "address": "10.20.0.10", "port": 80}
FIRST = "networks.lan.port_forwards[0]"


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"address": "10.21.0.10"}, f"{FIRST}.address", "outside 10.20.0.0/24"),
        ({"address": "10.20.0.1"}, f"{FIRST}.address", "host's own"),
        ({"address": "10.20.0.99"}, f"{FIRST}.address", "no VM's fixed address"),
        ({"address": "web"}, f"{FIRST}.address", "not an IPv4"),
        ({"host_port": 0}, f"{FIRST}.host_port", "1 to 65535"),
        ({"port": 65536}, f"{FIRST}.port", "1 to 65535"),
        ({"port": True}, f"{FIRST}.port", "whole number"),
        ({"protocol": "sctp"}, f"{FIRST}.protocol", "none of tcp, udp"),
        ({"guest_port": 80}, f"{FIRST}.guest_port", "unknown"),
    ],
)
def test_a_bad_forward_is_reported_with_its_path(changes: dict[str, Any], where: str, words: str) -> None:
    found = errors(spoilt("networks/lan/port_forwards", [FORWARD | changes]))
    assert set(found) == {where}
    assert words in found[where]


def test_a_port_of_the_host_is_forwarded_once_whatever_the_network() -> None:
    document = spoilt("networks/lan/port_forwards", [FORWARD, FORWARD | {"protocol": "udp"}])
    assert errors(document) == {}
    document["networks"]["dmz"] = {
        "cidr": "10.21.0.0/24",
        "mode": "routed",
        "port_forwards": [FORWARD | {"address": "10.21.0.10"}],
    }
    document["vms"]["web-2"]["networks"] = [{"network": "dmz", "address": "10.21.0.10"}]
    found = errors(document)
    assert set(found) == {"networks.dmz.port_forwards[0].host_port"}
    assert f"forwarded at {FIRST} already" in found.popitem()[1]


def test_forwards_are_kept_among_the_networks_dns_records() -> None:
    document = spoilt("networks/lan/port_forwards", [FORWARD])
    document["networks"]["lan"]["dns"] = False
    assert "needs `dns: true`" in errors(document)["networks.lan.port_forwards"]


@pytest.mark.parametrize("mode", ["isolated", "bridge", "existing"])
def test_only_nat_and_routed_networks_have_forwards(mode: str) -> None:
    document = spoilt("networks/other", {"mode": mode, "port_forwards": [FORWARD]})
    assert "networks.other.port_forwards" in errors(document)


def test_a_forward_is_registered_with_its_network(program: Program) -> None:
    found = program.build(spoilt("networks/lan/port_forwards", [FORWARD]))
    kind = "limen:index:PortForward"
    inputs = found.inputs[kind, "forward-tcp-8080"]
    assert (inputs["network"], inputs["hostPort"], inputs["address"], inputs["port"]) == (
        *("dev-lan", 8080),
        *("10.20.0.10", 80),
    )
    assert found.parent(kind, "forward-tcp-8080") == "lan"
    assert not program.build(good()).names(kind)
