"""How amounts are written: the one place that turns text into amounts and amounts into text."""

import re

from limen.quota.errors import InvalidAmount
from limen.quota.model import MAX_AMOUNT as MAX_AMOUNT
from limen.quota.model import UNLIMITED, Unlimited
from limen.quota.resources import check_resource, is_bytes

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}
"""Units of byte resources, smallest first, in bytes."""

_WRITTEN = re.compile(r"(0|[1-9][0-9]{0,15})(B|KiB|MiB|GiB|TiB|PiB)?")
_LARGEST_FIRST = tuple(reversed(UNITS.items()))


def parse_amount(value: object, resource: str) -> int:
    """Return the amount that `value` (str or int) means, in pieces or bytes, from 0 to `MAX_AMOUNT`.

    Text is ASCII digits without leading zeros; byte resources allow one of `UNITS` right after them. Anything
    else (bool, float, None, signs, blanks, exponents, underscores, other digits) raises `InvalidAmount`; an
    unknown resource raises `InvalidResource`.
    """
    check_resource(resource)
    if isinstance(value, int) and not isinstance(value, bool):
        amount = int(value)
    elif isinstance(value, str):
        written = _WRITTEN.fullmatch(value)
        if written is None or (written[2] and not is_bytes(resource)):
            raise InvalidAmount(_refusal(value, resource))
        amount = int(written[1]) * UNITS[written[2] or "B"]
    else:
        raise InvalidAmount(_refusal(value, resource))
    if not 0 <= amount <= MAX_AMOUNT:
        raise InvalidAmount(_refusal(value, resource))
    return amount


def parse_limit(value: object, resource: str) -> int | Unlimited:
    """Like `parse_amount`, and the word `unlimited` means `UNLIMITED`."""
    if isinstance(value, Unlimited) or value == UNLIMITED.value:
        check_resource(resource)
        return UNLIMITED
    return parse_amount(value, resource)


def format_amount(amount: int, resource: str) -> str:
    """Write `amount` exactly, bytes in the largest unit that divides it: `8`, `512MiB`, `0B`.

    `parse_amount(format_amount(n, r), r) == n` for every amount.
    """
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 0:
        raise InvalidAmount(_refusal(amount, resource))
    if not is_bytes(resource):
        return str(amount)
    if amount == 0:
        return "0B"
    name, size = next(unit for unit in _LARGEST_FIRST if amount % unit[1] == 0)
    return f"{amount // size}{name}"


def format_limit(limit: int | Unlimited, resource: str) -> str:
    """Write a limit as `parse_limit` reads it."""
    return limit.value if isinstance(limit, Unlimited) else format_amount(limit, resource)


def display_amount(amount: int, resource: str) -> str:
    """Write `amount` for people: at most two decimals (`1.5GiB`), `~` before what was rounded down.

    Only for text that nobody parses: `parse_amount` refuses decimals.
    """
    exact = format_amount(amount, resource)
    if not is_bytes(resource) or amount < UNITS["KiB"]:
        return exact
    name, size = next(unit for unit in _LARGEST_FIRST if amount >= unit[1])
    whole, rest = divmod(amount * 100, size)
    decimals = f"{whole // 100}.{whole % 100:02}".rstrip("0").rstrip(".")
    return f"{'~' if rest else ''}{decimals}{name}"


def _refusal(value: object, resource: str) -> str:
    # ascii() shows look-alike digits and blanks for what they are; a huge int may not be turned into text.
    huge = isinstance(value, int) and value.bit_length() > 128
    shown = "a number of over 38 digits" if huge else f"{value!a:.60}"
    allowed = f"a whole number from 0 to {MAX_AMOUNT}"
    if is_bytes(resource):
        return (
            f"{shown} is not an amount of {resource}: write {allowed} bytes, "
            f"or with one of the units {', '.join(UNITS)} right after it, such as 512MiB"
        )
    return f"{shown} is not an amount of {resource}: write {allowed}, without a unit, such as 8"
