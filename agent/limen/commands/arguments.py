"""Arguments that several commands share, parsed into values of the rules. Pure."""

import re
from collections.abc import Iterable
from datetime import timedelta

from limen.commands.output import BadInput
from limen.quota.resources import check_resource
from limen.quota.units import parse_amount, parse_limit

_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
NONE = "none"


def parse_pairs(written: Iterable[str]) -> dict[str, str]:
    """`RESOURCE=AMOUNT` arguments as (resource, text); raises BadInput and InvalidResource."""
    pairs: dict[str, str] = {}
    for argument in written:
        resource, equals, amount = argument.partition("=")
        if not equals:
            raise BadInput(f"{argument!a:.60} is not RESOURCE=AMOUNT: write it as memory=512MiB.")
        if check_resource(resource) in pairs:
            raise BadInput(f"{resource} is there twice: give it once.")
        pairs[resource] = amount
    return pairs


def parse_amounts(written: Iterable[str]) -> dict[str, int]:
    """Amounts by resource; raises BadInput, InvalidResource, InvalidAmount."""
    return {resource: parse_amount(text, resource) for resource, text in parse_pairs(written).items()}


def check_limits(pairs: dict[str, str]) -> dict[str, str | None]:
    """Limits as the API takes them: an amount, `unlimited`, or None for the word `none` (none set)."""
    for resource, text in pairs.items():
        if text != NONE:
            parse_limit(text, resource)
    return {resource: None if text == NONE else text for resource, text in pairs.items()}


def parse_duration(text: str) -> timedelta:
    """`90s`, `30m`, `12h`, `7d`, `2w`; raises BadInput."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise BadInput(f"{text!a:.60} is not a duration: write it as 90s, 30m, 12h, 7d or 2w.")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def split_commas(written: Iterable[str]) -> list[str]:
    """`--soft a=1,b=2 --soft c=3` as one list."""
    return [part for each in written for part in each.split(",")]
