"""The list of bad amounts that every door refuses, at Pulumi's: all of them in one call over the wire."""

from typing import Any

from tests.bad_amounts import BAD_COUNTS, BAD_NUMBERS, BAD_TEXT, BAD_VALUES
from tests.unit.provider.stack import claim_inputs
from tests.unit.provider.wire import Provider

# On the wire every number is a double: 8.0 is 8 there, and what no double holds cannot be sent.
SENDABLE = [
    value
    for value in BAD_NUMBERS
    if not (isinstance(value, float) and value in (0, 1, 8, 1e3))
    and not (isinstance(value, int) and value >= 10**400)
]


def accepted(provider: Provider, resource: str, values: list[Any]) -> list[Any]:
    """Those of the values that QuotaClaim's Check does not refuse by their own path."""
    items = {
        f"vm:v{number}": {"kind": "vm", "name": f"v{number}", "amounts": {resource: value}}
        for number, value in enumerate(values)
    }
    _, failures = provider.of("QuotaClaim").check(claim_inputs(items=items))
    return [
        value
        for number, value in enumerate(values)
        if f'items["vm:v{number}"].amounts.{resource}' not in failures
    ]


def test_every_bad_amount_of_bytes_is_refused(provider: Provider) -> None:
    assert accepted(provider, "memory", [*BAD_TEXT, *SENDABLE, *BAD_VALUES]) == []


def test_every_bad_count_is_refused(provider: Provider) -> None:
    assert accepted(provider, "vcpus", [*BAD_TEXT, *BAD_COUNTS, *SENDABLE, *BAD_VALUES]) == []


def test_good_amounts_are_not(provider: Provider) -> None:
    good: list[Any] = ["8", "0", 8, 2**53 - 1, "9007199254740991"]
    assert accepted(provider, "memory", [*good, "8GiB", "1B"]) == [*good, "8GiB", "1B"]
