"""Modules read amounts and durations exactly as the rules and the command line do."""

from collections.abc import Callable

import pytest
from ansible_collections.limen.platform.plugins.module_utils import amounts
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput

from limen.commands.arguments import parse_duration
from limen.quota import units
from limen.quota.errors import LimenError
from limen.quota.resources import RESOURCES
from tests.bad_amounts import BAD_COUNTS, BAD_NUMBERS, BAD_TEXT, BAD_VALUES, NOT_JSON

GOOD = (0, 1, 2**53 - 1, "0", "8", "512MiB", "10GiB", "0B", "1PiB", "9007199254740991", "7PiB", "1KiB")
ODD = ("unlimited", "device:gpu", "device:", "cpu", "VMS", "", None, 8, "memory ", "device:" + "a" * 64)
DURATIONS = (
    "90s",
    "30m",
    "12h",
    "7d",
    "2w",
    "0s",
    "7",
    "d",
    "1.5h",
    "-1d",
    "07d",
    "1y",
    "",
    "\u0668d",
    "7 d",
)


def outcome(read: Callable[..., object], *arguments: object) -> object:
    """What was read, or that it was refused."""
    try:
        return read(*arguments)
    except (LimenError, InvalidInput):
        return "refused"


@pytest.mark.parametrize("resource", [*RESOURCES, "device:gpu"])
def test_amounts_are_read_alike(resource: str) -> None:
    for value in (*GOOD, *BAD_TEXT, *BAD_COUNTS, *BAD_NUMBERS, *BAD_VALUES, *NOT_JSON):
        expected = outcome(units.parse_amount, value, resource)
        assert outcome(amounts.parse_amount, value, resource) == expected, repr(value)[:80]


def test_resources_are_known_alike() -> None:
    for name in (*RESOURCES, *ODD):
        assert outcome(amounts.parse_amount, 1, name) == outcome(units.parse_amount, 1, name), name


@pytest.mark.parametrize("resource", ["vms", "memory"])
def test_amounts_are_written_alike(resource: str) -> None:
    for amount in (0, 1, 1000, 1024, 1536 * 2**20, 3 * 2**40, 2**53 - 1):
        written = amounts.format_amount(amount, resource)
        assert written == units.format_amount(amount, resource)
        assert amounts.parse_amount(written, resource) == amount


def test_unlimited_is_a_limit_and_no_amount() -> None:
    assert amounts.parse_limit("unlimited", "vms") == "unlimited"
    with pytest.raises(InvalidInput):
        amounts.parse_amount("unlimited", "vms")


def test_durations_are_read_alike() -> None:
    def on_the_command_line(text: str) -> float:
        return parse_duration(text).total_seconds()

    for text in DURATIONS:
        assert outcome(amounts.parse_duration, text) == outcome(on_the_command_line, text), text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "90s"), (3600, "1h"), (7 * 86400, "1w")])
def test_durations_are_written_in_their_largest_unit(seconds: int, text: str) -> None:
    assert amounts.format_duration(seconds) == text
