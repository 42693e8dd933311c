"""How a change would be made, decided from values alone."""

from dataclasses import replace

import pytest

from limen.hypervisor.errors import Refused
from limen.hypervisor.model import DomainSeen, Size
from limen.hypervisor.resize import plan_resize, target_size
from limen.hypervisor.volumes import plan_grow

GIB = 2**30
SIZE = Size(vcpus=2, memory=GIB, max_vcpus=4, max_memory=4 * GIB)
TIGHT = Size(vcpus=2, memory=GIB, max_vcpus=2, max_memory=GIB)


def domain(live: Size | None, defined: Size | None) -> DomainSeen:
    return DomainSeen("u", "web", "running" if live else "shutoff", False, live, defined)


@pytest.mark.parametrize(
    ("live", "defined", "vcpus", "memory", "way"),
    [
        (SIZE, SIZE, 2, GIB, "none"),
        (SIZE, SIZE, 4, GIB, "live"),
        (SIZE, SIZE, 2, 4 * GIB, "live"),
        (SIZE, SIZE, 2, GIB // 2, "live"),
        (SIZE, SIZE, 5, GIB, "restart"),
        (SIZE, SIZE, 2, 5 * GIB, "restart"),
        (SIZE, SIZE, 1, GIB, "restart"),
        (TIGHT, TIGHT, 2, 2 * GIB, "restart"),
        (None, SIZE, 8, GIB, "live"),
        (None, SIZE, 2, GIB, "none"),
        # Half done: the definition is there already, the running guest is not.
        (SIZE, replace(SIZE, vcpus=4), 4, GIB, "live"),
        (TIGHT, replace(TIGHT, vcpus=4, max_vcpus=4), 4, GIB, "restart"),
        (SIZE, replace(SIZE, memory=2 * GIB), 2, 2 * GIB, "live"),
        # The guest boots and has not given its memory back yet: nothing to do but wait.
        (replace(SIZE, memory=4 * GIB), SIZE, 2, GIB, "none"),
    ],
)
def test_the_way_of_a_resize(live: Size | None, defined: Size, vcpus: int, memory: int, way: str) -> None:
    assert plan_resize(domain(live, defined), vcpus, memory) == way


def test_a_new_ceiling_waits_for_the_next_start() -> None:
    assert plan_resize(domain(TIGHT, TIGHT), 2, GIB, max_vcpus=8) == "live"
    assert plan_resize(domain(TIGHT, replace(TIGHT, max_vcpus=8)), 2, GIB, max_vcpus=8) == "none"


def test_declared_ceilings_stay_and_undeclared_ones_follow() -> None:
    assert target_size(SIZE, 3, 2 * GIB) == Size(3, 2 * GIB, 4, 4 * GIB)
    assert target_size(SIZE, 6, 8 * GIB) == Size(6, 8 * GIB, 6, 8 * GIB)
    assert target_size(TIGHT, 1, GIB // 2) == Size(1, GIB // 2, 1, GIB // 2)
    assert target_size(TIGHT, 1, GIB, max_vcpus=4) == Size(1, GIB, 4, GIB)


@pytest.mark.parametrize(("vcpus", "memory"), [(0, GIB), (-1, GIB), (1, 0), (1, 1025), (1, -GIB)])
def test_sizes_that_are_none_are_refused(vcpus: int, memory: int) -> None:
    with pytest.raises(Refused, match="at least one vCPU"):
        plan_resize(domain(SIZE, SIZE), vcpus, memory)


def test_a_transient_domain_has_nothing_to_change() -> None:
    with pytest.raises(Refused, match="transient"):
        plan_resize(domain(SIZE, None), 2, GIB)


def test_the_charge_is_the_larger_of_live_and_defined() -> None:
    assert domain(SIZE, replace(SIZE, vcpus=1, memory=3 * GIB)).amounts == {
        "vms": 1,
        "vcpus": 2,
        "memory": 3 * GIB,
    }
    assert domain(None, SIZE).amounts == {"vms": 1, "vcpus": 2, "memory": GIB}


def test_the_way_of_a_growing_volume() -> None:
    assert plan_grow("p/v", GIB, GIB, in_use=True) == "none"
    assert plan_grow("p/v", GIB, 2 * GIB, in_use=True) == "live"
    assert plan_grow("p/v", GIB, 2 * GIB, in_use=False) == "offline"
    with pytest.raises(Refused, match="p/v has 1GiB and cannot shrink to 512MiB"):
        plan_grow("p/v", GIB, GIB // 2, in_use=True)
