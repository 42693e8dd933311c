"""What a host may be charged: its capacity, the overcommit ratio and the reserve, in exact arithmetic."""

import re
from decimal import Decimal
from fractions import Fraction
from math import floor

from limen.quota.errors import InvalidAmount
from limen.quota.model import MAX_AMOUNT, Limit, Scope, Standing

MAX_RATIO = 1000
"""The largest overcommit ratio; more than that is a slip of the pen."""

_RATIO = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6})?")


def parse_ratio(value: object) -> Fraction:
    """Return a ratio above 0 and up to `MAX_RATIO`, given as int, Decimal, Fraction or text ("1.5").

    Floats are refused, since they are not what was written; raises `InvalidAmount`.
    """
    ratio = None
    if isinstance(value, str):
        ratio = Fraction(value) if _RATIO.fullmatch(value) else None
    elif isinstance(value, Decimal):
        ratio = Fraction(value) if value.is_finite() else None
    elif isinstance(value, int | Fraction) and not isinstance(value, bool):
        ratio = Fraction(value)
    if ratio is None or not 0 < ratio <= MAX_RATIO:
        raise InvalidAmount(
            f"{value!a:.60} is not an overcommit ratio: "
            f"write a decimal number above 0 and up to {MAX_RATIO}, such as 1.5"
        )
    return ratio


def host_limit(capacity: int, overcommit: object = 1, reserve: int = 0) -> Limit:
    """The limit of a host in one resource: floor(capacity * overcommit) - reserve, at least 0.

    `capacity` and `reserve` are in pieces or bytes; for `overcommit` see `parse_ratio`.
    """
    for amount in (capacity, reserve):
        if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= MAX_AMOUNT:
            raise InvalidAmount(
                f"{amount!a:.60} is not a host's capacity or reserve: "
                f"write a whole number from 0 to {MAX_AMOUNT}"
            )
    hard = floor(capacity * parse_ratio(overcommit)) - reserve
    return Limit(hard=min(max(hard, 0), MAX_AMOUNT))


def host_standing(
    scope: Scope,
    resource: str,
    capacity: int,
    overcommit: object = 1,
    reserve: int = 0,
    used: int = 0,
    reserved: int = 0,
) -> Standing:
    """How a host stands in one resource; `used` includes what runs there unclaimed (orphans)."""
    return Standing(scope, resource, host_limit(capacity, overcommit, reserve), used, reserved)
