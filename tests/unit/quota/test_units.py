"""How amounts are written, and every way to write them wrongly."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.quota.errors import InvalidAmount, InvalidResource
from limen.quota.model import MAX_AMOUNT, RESOURCES, UNLIMITED
from limen.quota.units import (
    UNITS,
    display_amount,
    format_amount,
    format_limit,
    parse_amount,
    parse_limit,
)
from tests.bad_amounts import BAD_COUNTS, BAD_NUMBERS, BAD_TEXT, BAD_VALUES, NOT_JSON

EVERY_RESOURCE = (*RESOURCES, "device:a100")
COUNTED = tuple(name for name in EVERY_RESOURCE if name not in ("memory", "disk"))
amounts = st.one_of(
    st.integers(0, MAX_AMOUNT),
    st.builds(
        lambda n, unit: min(n * unit, MAX_AMOUNT), st.integers(0, 9000), st.sampled_from([*UNITS.values()])
    ),
)


@pytest.mark.parametrize(
    ("written", "resource", "amount"),
    [
        ("8", "vcpus", 8),
        (8, "vcpus", 8),
        ("0", "vms", 0),
        ("0", "memory", 0),
        ("0GiB", "memory", 0),
        ("512MiB", "memory", 536870912),
        ("10GiB", "disk", 10737418240),
        ("1B", "disk", 1),
        ("1KiB", "disk", 1024),
        ("1TiB", "disk", 1099511627776),
        ("7PiB", "disk", 7881299347898368),
        (str(MAX_AMOUNT), "memory", MAX_AMOUNT),
        (MAX_AMOUNT, "device:a100", MAX_AMOUNT),
    ],
)
def test_amounts_mean_what_they_say(written: object, resource: str, amount: int) -> None:
    assert parse_amount(written, resource) == amount


@pytest.mark.parametrize("resource", EVERY_RESOURCE)
@pytest.mark.parametrize(
    "bad",
    [*BAD_TEXT, *BAD_NUMBERS, *BAD_VALUES, *NOT_JSON, Decimal(8), Fraction(8)],
    ids=lambda bad: ascii(bad)[:40],
)
def test_every_way_to_write_a_bad_amount_is_refused_and_told_what_is_allowed(
    bad: object, resource: str
) -> None:
    for parse in (parse_amount, parse_limit):
        with pytest.raises(InvalidAmount) as refusal:
            parse(bad, resource)
        message = str(refusal.value)
        assert f"not an amount of {resource}" in message
        assert f"a whole number from 0 to {MAX_AMOUNT}" in message
        assert ("such as 512MiB" in message) == (resource in ("memory", "disk"))
        assert message.isascii()
        assert len(message) < 300


@pytest.mark.parametrize("resource", COUNTED)
@pytest.mark.parametrize("bad", BAD_COUNTS)
def test_counts_take_no_unit(bad: str, resource: str) -> None:
    with pytest.raises(InvalidAmount, match="without a unit"):
        parse_amount(bad, resource)


@given(st.text(max_size=12), st.sampled_from(EVERY_RESOURCE))
def test_any_text_is_refused_or_is_ascii_digits_and_a_unit(text: str, resource: str) -> None:
    try:
        amount = parse_amount(text, resource)
    except InvalidAmount:
        return
    digits = text.rstrip("BKMGTPi")
    assert amount == int(digits) * UNITS[text[len(digits) :] or "B"]
    assert set(digits) <= set("0123456789")


@given(amounts, st.sampled_from(EVERY_RESOURCE))
def test_what_is_formatted_parses_to_the_same(amount: int, resource: str) -> None:
    assert parse_amount(format_amount(amount, resource), resource) == amount
    assert parse_limit(format_limit(amount, resource), resource) == amount


@pytest.mark.parametrize(
    ("amount", "resource", "written", "displayed"),
    [
        (8, "vcpus", "8", "8"),
        (10**15, "vms", "1000000000000000", "1000000000000000"),
        (0, "memory", "0B", "0B"),
        (1, "memory", "1B", "1B"),
        (1000, "memory", "1000B", "1000B"),
        (1536 * 2**20, "memory", "1536MiB", "1.5GiB"),
        (512 * 2**20, "memory", "512MiB", "512MiB"),
        (10 * 2**30, "disk", "10GiB", "10GiB"),
        (2**30 - 1, "disk", "1073741823B", "~1023.99MiB"),
        (2**30 + 1, "disk", "1073741825B", "~1GiB"),
        (5 * 2**50, "disk", "5PiB", "5PiB"),
    ],
)
def test_formats(amount: int, resource: str, written: str, displayed: str) -> None:
    assert format_amount(amount, resource) == written
    assert display_amount(amount, resource) == displayed


@given(amounts)
def test_a_displayed_amount_is_exact_unless_it_says_so(amount: int) -> None:
    shown = display_amount(amount, "memory")
    digits = shown.lstrip("~").rstrip("BKMGTPi")
    size = UNITS[shown.lstrip("~")[len(digits) :]]
    meant = Fraction(digits) * size
    if shown.startswith("~"):
        assert meant < amount < meant + Fraction(size, 100)
    else:
        assert meant == amount


def test_unlimited_is_a_word_for_limits_only() -> None:
    assert parse_limit("unlimited", "vcpus") is UNLIMITED
    assert parse_limit(UNLIMITED, "vcpus") is UNLIMITED
    assert format_limit(UNLIMITED, "vcpus") == "unlimited"
    for value in ("unlimited", UNLIMITED):
        with pytest.raises(InvalidAmount):
            parse_amount(value, "vcpus")


@pytest.mark.parametrize("bad", [-1, True, 1.5, "8", None])
def test_only_amounts_are_formatted(bad: object) -> None:
    with pytest.raises(InvalidAmount):
        format_amount(bad, "memory")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [
        *("", "cpu", "VCPUS", "vcpu", "vcpus ", "ram", "device", "device:", "device:A100", "device:a b"),
        *("device:\u0430", "device:" + "a" * 64, None, 8, True, ["vcpus"]),
    ],
)
def test_resources_that_the_model_does_not_have_are_refused(bad: object) -> None:
    with pytest.raises(InvalidResource, match="use one of vms, vcpus, memory, disk, networks, snapshots"):
        parse_amount("8", bad)  # type: ignore[arg-type]
