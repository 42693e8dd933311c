"""Checks of single inputs, shared by the resource classes; pure."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from limen.quota.errors import LimenError
from limen.quota.model import MAX_AMOUNT
from limen.quota.units import format_amount, parse_amount
from limen_provider.errors import Failure
from limen_provider.properties import UNKNOWN, child_path
from limen_provider.resource import Properties


class Inputs:
    """Reads inputs by name and collects every failure.

    An unknown value passes every check and is answered as `UNKNOWN`; None means missing or wrong.
    """

    def __init__(self, news: Properties, allowed: Iterable[str]) -> None:
        self._news = news
        self.failures: list[Failure] = []
        known = set(allowed)
        for name in sorted(set(news) - known):
            # The engine adds __defaults and the like for its own use.
            if not name.startswith("__"):
                self.fail(name, f"There is no such input: use {', '.join(sorted(known))}.")

    def fail(self, path: str, reason: str) -> None:
        self.failures.append(Failure(path, reason))

    def text(self, name: str, required: bool = True) -> Any:
        value = self._news.get(name)
        if value is None or value == "":
            if required:
                self.fail(name, "This is needed.")
            return None
        if value is UNKNOWN or isinstance(value, str):
            return value
        self.fail(name, "This must be text.")
        return None

    def uuid(self, name: str, required: bool = True) -> Any:
        value = self.text(name, required)
        if value is None or value is UNKNOWN:
            return value
        try:
            return str(UUID(value))
        except ValueError:
            self.fail(name, "This must be a UUID.")
            return None

    def flag(self, name: str) -> Any:
        value = self._news.get(name)
        if value is None or value is UNKNOWN or isinstance(value, bool):
            return value
        self.fail(name, "This must be true or false.")
        return None

    def number(self, name: str, minimum: float = 0) -> Any:
        value = self._news.get(name)
        if value is None or value is UNKNOWN:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or value < minimum:
            self.fail(name, f"This must be a number from {minimum:g}.")
            return None
        return value

    def whole(self, name: str, minimum: int, required: bool = True) -> Any:
        """A whole number from `minimum` to the largest amount."""
        value = self._news.get(name)
        if value is None and required:
            self.fail(name, "This is needed.")
        if value is None or value is UNKNOWN:
            return value
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= MAX_AMOUNT:
            self.fail(name, f"This must be a whole number from {minimum}.")
            return None
        return value

    def texts(self, name: str, keys: Iterable[str]) -> Any:
        """A map of exactly these keys to text."""
        value = self._news.get(name)
        if value is UNKNOWN:
            return value
        if not isinstance(value, dict) or set(value) != set(keys):
            self.fail(name, f"This must be a map of {', '.join(sorted(keys))}.")
            return None
        for key, each in value.items():
            if each is not UNKNOWN and (not isinstance(each, str) or not each):
                self.fail(child_path(name, key), "This must be text.")
        return value

    def amounts(self, value: Any, path: str) -> dict[str, Any]:
        """A map of resource to amount in the one spelling; unknown ones stay `UNKNOWN`."""
        if not isinstance(value, dict):
            self.fail(path, "This must be a map of resources to amounts.")
            return {}
        return {
            resource: self._amount(child_path(path, resource), written, resource)
            for resource, written in value.items()
        }

    def _amount(self, path: str, written: Any, resource: str) -> Any:
        if written is UNKNOWN:
            return UNKNOWN
        try:
            return format_amount(parse_amount(written, resource), resource)
        except LimenError as error:
            self.fail(path, str(error))
            return None


def parsed(amounts: Mapping[str, Any]) -> dict[str, int]:
    """Known amounts in the one spelling, as numbers."""
    return {resource: parse_amount(written, resource) for resource, written in amounts.items()}


def given(**properties: Any) -> dict[str, Any]:
    """The properties without those that are None."""
    return {name: value for name, value in properties.items() if value is not None}
