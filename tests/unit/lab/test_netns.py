"""The choice of a lab's subnet."""

import ipaddress

import pytest

from tests.lab import netns
from tests.lab.errors import LabError


def test_the_same_lab_gets_the_same_subnet_where_it_is_free() -> None:
    assert netns.choose([], "/state/a") == netns.choose([], "/state/a")
    assert netns.choose([], "/state/a") != netns.choose([], "/state/b")


def test_a_subnet_that_the_machine_has_a_route_to_is_not_taken() -> None:
    first = netns.choose([], "/state/a")
    second = netns.choose([ipaddress.IPv4Network(f"{first.network_address}/24", strict=False)], "/state/a")
    assert not second.overlaps(ipaddress.IPv4Network(f"{first.network_address}/24", strict=False))
    assert second.subnet_of(netns.POOL)


def test_a_machine_that_routes_the_whole_pool_is_told_so() -> None:
    with pytest.raises(LabError, match="no free subnet"):
        netns.choose([ipaddress.IPv4Network("10.0.0.0/8")], "/state/a")
