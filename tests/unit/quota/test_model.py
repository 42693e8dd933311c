"""Values that contradict themselves cannot be made; names and identities."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.quota.capacity import host_limit, host_standing, parse_ratio
from limen.quota.errors import InvalidAmount, InvalidSpec, LimenError
from limen.quota.model import (
    MAX_AMOUNT,
    UNLIMITED,
    Bounds,
    Limit,
    Scope,
    Standing,
    check_item_key,
    check_project_name,
    check_snapshot,
    item_uuid,
    snapshot_identity,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Limit(-1), "a hard limit must be a whole number"),
        (lambda: Limit(MAX_AMOUNT + 1), "a hard limit"),
        (lambda: Limit(True), "a hard limit"),
        (
            lambda: Limit(8.0),  # type: ignore[arg-type]
            "a hard limit",
        ),
        (lambda: Limit(8, soft=9), "lower it or raise the hard one"),
        (lambda: Limit(8, soft=-1), "a soft limit"),
        (lambda: Limit(8, grace=timedelta(1)), "needs a soft limit"),
        (lambda: Limit(8, soft=1, grace=timedelta(-1)), "cannot be negative"),
        (lambda: Bounds(minimum=3, maximum=2), "above the maximum"),
        (lambda: Bounds(minimum=-3), "a minimum must be"),
        (lambda: Bounds(minimum=3, default=2), "outside minimum and maximum"),
        (lambda: Bounds(maximum=1, default=2), "outside minimum and maximum"),
    ],
)
def test_contradictions_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(LimenError, match=message):
        make()


def test_soft_may_stand_below_unlimited() -> None:
    assert Limit(UNLIMITED, soft=4, grace=timedelta(0)).soft == 4


@pytest.mark.parametrize("key", ["vm:web-1", "disk:web-1-root", "network:lan", "0", "a" * 128])
def test_item_keys(key: str) -> None:
    assert check_item_key(key) == key


@pytest.mark.parametrize("key", ["", ":a", "-a", "VM:a", "vm a", "vm:\u0430", "vm:a\n", "a" * 129, None, 8])
def test_bad_item_keys(key: object) -> None:
    with pytest.raises(InvalidSpec, match="is not an item key"):
        check_item_key(key)


@pytest.mark.parametrize("name", ["demo", "0", "a-b-", "a" * 63])
def test_project_names(name: str) -> None:
    assert check_project_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "Demo", "a_b", "a.b", "d\u00e9mo", "demo\n", "a" * 64, None, 8])
def test_bad_project_names(name: object) -> None:
    with pytest.raises(InvalidSpec, match="is not a project name"):
        check_project_name(name)


def test_item_uuids_never_change() -> None:
    """Domains exist under these; another value would orphan every VM there is."""
    claim = "6f1b7a5e-2d0c-4a53-9a7e-0c5f3c1d9b10"
    assert item_uuid(claim, "vm:web-1") == item_uuid(UUID(claim), "vm:web-1")
    assert str(item_uuid(claim, "vm:web-1")) == "6c311bfc-e45a-5be2-a7d0-fcfbb966efea"
    assert item_uuid(claim, "vm:web-2") != item_uuid(claim, "vm:web-1")
    with pytest.raises(InvalidSpec, match="must be a UUID"):
        item_uuid("web", "vm:web-1")
    with pytest.raises(InvalidSpec, match="is not an item key"):
        item_uuid(claim, "VM web")


@pytest.mark.parametrize(
    ("capacity", "overcommit", "reserve", "hard"),
    [
        (8, 1, 0, 8),
        (8, "1.5", 0, 12),
        (8, Decimal("1.5"), 2, 10),
        (3, Fraction(1, 3), 0, 1),
        (10, "0.33", 0, 3),
        (10, "0.1", 5, 0),
        (9007199254740991, "1", 1, 9007199254740990),
        (9007199254740991, 4, 0, MAX_AMOUNT),
        (100, "0.29", 0, 29),  # as floats 28.999999999999996, so 28
    ],
)
def test_host_limits_are_exact(capacity: int, overcommit: object, reserve: int, hard: int) -> None:
    assert host_limit(capacity, overcommit, reserve) == Limit(hard)


@given(st.integers(0, 2**40), st.integers(1, 10**6), st.integers(0, 2**20))
def test_a_host_limit_is_the_floor(capacity: int, millionths: int, reserve: int) -> None:
    ratio = f"{millionths // 10**6}.{millionths % 10**6:06}"
    hard = host_limit(capacity, ratio, reserve).hard
    assert hard == max(0, capacity * millionths // 10**6 - reserve)


@pytest.mark.parametrize(
    "bad",
    [
        *("", "1,5", "-1", "+1", "1e3", "0", "0.0", "1001", " 1", "1.", ".5", "NaN", "1/2", "\u0661"),
        *(1.5, True, None, 0, -1, Decimal("NaN"), Decimal("Infinity"), Fraction(0), [1]),
    ],
)
def test_bad_overcommit_ratios(bad: object) -> None:
    with pytest.raises(InvalidAmount, match="is not an overcommit ratio"):
        parse_ratio(bad)


@pytest.mark.parametrize("bad", [-1, True, 1.5, MAX_AMOUNT + 1])
def test_bad_capacities(bad: int) -> None:
    with pytest.raises(InvalidAmount, match="capacity or reserve"):
        host_limit(bad)
    with pytest.raises(InvalidAmount, match="capacity or reserve"):
        host_limit(8, 1, bad)


def test_a_host_stands_like_a_project() -> None:
    scope = Scope("h", "host", "hv1")
    assert host_standing(scope, "vcpus", 8, "2", 1, used=3, reserved=4) == Standing(
        scope, "vcpus", Limit(15), 3, 4
    )


DOMAIN = "4dcd4658-6947-52ea-b338-a28cd5b40cc3"


@pytest.mark.parametrize("name", ["before", "1700000000", "before the upgrade", "vor dem Ändern"])
def test_a_snapshot_is_known_by_its_domain_and_its_name(name: str) -> None:
    assert snapshot_identity(DOMAIN.upper(), name) == f"{DOMAIN}/{name}"
    assert check_snapshot(f"{DOMAIN}/{name}") == snapshot_identity(UUID(DOMAIN), name)


@pytest.mark.parametrize(
    "identity",
    ["before", f"{DOMAIN}/", f"{DOMAIN}/a/b", f"{DOMAIN}/.hidden", f"{DOMAIN}/a\n", "web/before", 7, None],
)
def test_what_names_no_snapshot_is_refused(identity: object) -> None:
    with pytest.raises(InvalidSpec):
        check_snapshot(identity)
