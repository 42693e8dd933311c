# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""How amounts and durations are written.

Modules don't import limen.quota.units, so this reads alike: tests run the same cases through both.
"""

from __future__ import annotations

import re

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput

MAX_AMOUNT = 2**53 - 1
RESOURCES = ("vms", "vcpus", "memory", "disk", "networks", "snapshots")
BYTE_RESOURCES = ("memory", "disk")
UNLIMITED = "unlimited"

_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}
_WRITTEN = re.compile(r"(0|[1-9][0-9]{0,15})(B|KiB|MiB|GiB|TiB|PiB)?")
_DEVICE = re.compile(r"device:[a-z0-9](?:[a-z0-9._-]{0,62})")
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def check_resource(name: object) -> str:
    """Return `name` if it names a resource; raises InvalidInput otherwise."""
    if isinstance(name, str) and (name in RESOURCES or _DEVICE.fullmatch(name)):
        return name
    raise InvalidInput(
        f"{name!a:.60} is not a resource: use one of {', '.join(RESOURCES)}, or device:NAME with a name of "
        "at most 63 lower-case letters, digits, dots, underscores and hyphens."
    )


def parse_amount(value: object, resource: str) -> int:
    """The amount that `value` (str or int) means, in pieces or bytes; raises InvalidInput."""
    check_resource(resource)
    amount = -1
    if isinstance(value, int) and not isinstance(value, bool):
        amount = value
    elif isinstance(value, str):
        written = _WRITTEN.fullmatch(value)
        if written and (resource in BYTE_RESOURCES or not written[2]):
            amount = int(written[1]) * _UNITS[written[2] or "B"]
    if not 0 <= amount <= MAX_AMOUNT:
        raise InvalidInput(_refusal(value, resource))
    return amount


def parse_amounts(written: dict[str, object]) -> dict[str, int]:
    """Amounts by resource; raises InvalidInput."""
    return {resource: parse_amount(value, resource) for resource, value in written.items()}


def parse_limit(value: object, resource: str) -> int | str:
    """Like `parse_amount`, and the word `unlimited` stands for itself."""
    check_resource(resource)
    return UNLIMITED if value == UNLIMITED else parse_amount(value, resource)


def format_amount(amount: int, resource: str) -> str:
    """Write `amount` exactly, bytes in the largest unit that divides it: `8`, `512MiB`, `0B`."""
    if resource not in BYTE_RESOURCES:
        return str(amount)
    for name, size in reversed(_UNITS.items()):
        if amount and amount % size == 0:
            return f"{amount // size}{name}"
    return "0B"


def format_limit(limit: int | str, resource: str) -> str:
    """Write a limit as `parse_limit` reads it."""
    return limit if isinstance(limit, str) else format_amount(limit, resource)


def parse_duration(text: str) -> int:
    """`90s`, `30m`, `12h`, `7d`, `2w` in seconds; raises InvalidInput."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidInput(f"{text!a:.60} is not a duration: write it as 90s, 30m, 12h, 7d or 2w.")
    return int(found[1]) * _SECONDS[found[2]]


def format_duration(seconds: int) -> str:
    """Write a duration in the largest unit that divides it, as `parse_duration` reads it."""
    for name, size in sorted(_SECONDS.items(), key=lambda unit: -unit[1]):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{name}"
    return "0s"


def _refusal(value: object, resource: str) -> str:
    # ascii() shows look-alike digits and blanks for what they are; a huge int may not be turned into text.
    huge = isinstance(value, int) and value.bit_length() > 128
    shown = "a number of over 38 digits" if huge else f"{value!a:.60}"
    allowed = f"a whole number from 0 to {MAX_AMOUNT}"
    if resource in BYTE_RESOURCES:
        return (
            f"{shown} is not an amount of {resource}: write {allowed} bytes, "
            f"or with one of the units {', '.join(_UNITS)} right after it, such as 512MiB."
        )
    return f"{shown} is not an amount of {resource}: write {allowed}, without a unit, such as 8."
