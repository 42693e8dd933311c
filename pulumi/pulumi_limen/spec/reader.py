"""Reads one entry of a document. Every getter notes what is wrong and goes on with a value of its type."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from limen.quota.units import format_amount, parse_amount
from pulumi_limen.spec import names
from pulumi_limen.spec.problems import Problems, child

MIB = 2**20
NOWHERE = IPv4Address(0)
_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "name": names.is_name,
    "host_name": names.is_host_name,
    "mac": names.is_mac,
    "sha256": names.is_sha256,
    "target": names.is_target,
    "tag": names.is_tag,
    "tag_value": names.is_tag_value,
    "device": names.is_device_name,
}


class Reader:
    """`entry` may be anything: what has another shape was noted by `check_structure` and reads as absent."""

    def __init__(self, entry: object, path: str, problems: Problems) -> None:
        self._entry = entry if isinstance(entry, Mapping) else {}
        self.path = path
        self.problems = problems

    def __contains__(self, field: str) -> bool:
        """Whether the field is there; empty text counts as absent, so that a variable may be unset."""
        return self._entry.get(field) not in (None, "")

    def fail(self, field: str, message: str) -> None:
        self.problems.add(child(self.path, field) if field else self.path, message)

    def text(self, field: str, default: str = "") -> str:
        value = self._entry.get(field)
        return value if isinstance(value, str) and value else default

    def optional(self, field: str) -> str | None:
        return self.text(field) or None

    def named(self, field: str, rule: str, default: str = "") -> str:
        """Text that follows one of `names.RULES`; MAC addresses and checksums are read in lower case."""
        value = self.text(field, default)
        value = value.lower() if rule in ("mac", "sha256") else value
        if value and not _CHECKS[rule](value):
            self.fail(field, f"{value!a:.60} will not do: use {names.RULES[rule]}")
        return value

    def absolute(self, field: str) -> str | None:
        value = self.optional(field)
        if value is not None and not value.startswith("/"):
            self.fail(field, f"{value!a:.60} is not an absolute path")
        return value

    def flag(self, field: str, default: bool) -> bool:
        value = self._entry.get(field)
        return value if isinstance(value, bool) else default

    def whole(self, field: str) -> int | None:
        value = self._entry.get(field)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def choice(self, field: str, allowed: tuple[str, ...]) -> Any:
        """One of `allowed`, whose first is the default."""
        value = self._entry.get(field)
        return value if value in allowed else allowed[0]

    def amount(self, field: str, resource: str, default: int | None = None) -> int:
        """An amount of the quota model, at least 1; memory in whole MiB, as the libvirt plugin has it."""
        if self._entry.get(field) is None:
            return default or 0
        value = self.problems.attempt(
            child(self.path, field), lambda: parse_amount(self._entry[field], resource)
        )
        if value == 0:
            self.fail(field, "at least 1 is needed")
        elif value is not None and resource == "memory" and value % MIB:
            self.fail(field, f"{format_amount(value, resource)} is not a whole number of MiB")
        return value or 0

    def address(self, field: str) -> IPv4Address | None:
        value = self._entry.get(field)
        return self.parse_address(field, value) if isinstance(value, str) and value else None

    def parse_address(self, field: str, value: str) -> IPv4Address:
        try:
            return IPv4Address(value)
        except ValueError:
            self.fail(field, f"{value!a:.60} is not an IPv4 address")
            return NOWHERE

    def network(self, field: str) -> IPv4Network | None:
        value = self.text(field)
        if not value:
            return None
        try:
            found = IPv4Network(value)
        except ValueError:
            self.fail(field, f"{value!a:.60} is not an IPv4 network: write its first address and the prefix "
                             "length, such as 10.20.0.0/24")  # fmt: skip
            return None
        if found.prefixlen > 29:
            self.fail(field, f"{value} is too small: the host and a guest need a network of /29 or larger")
        return found

    def mapping(self, field: str) -> Mapping[str, Any]:
        value = self._entry.get(field)
        return value if isinstance(value, Mapping) else {}

    def items(self, field: str) -> list[Any]:
        value = self._entry.get(field)
        return value if isinstance(value, list) else []

    def texts(self, field: str) -> tuple[str, ...]:
        return tuple(each for each in self.items(field) if isinstance(each, str) and each)

    def forbid(self, fields: tuple[str, ...], why: str) -> None:
        for field in fields:
            if field in self:
                self.fail(field, why)
