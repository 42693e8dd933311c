"""Compare properties; pure."""

from typing import Any

from limen_provider.properties import UNKNOWN, child_path
from limen_provider.resource import Change, Properties


def compare(old: Properties, new: Properties) -> dict[str, Change]:
    """Every property path at which `new` differs from `old`; what is unknown counts as different."""
    return _compare_maps("", old, new)


def _compare_maps(path: str, old: Properties, new: Properties) -> dict[str, Change]:
    changes: dict[str, Change] = {}
    for name in sorted({*old, *new}):
        changes |= _compare_values(child_path(path, name), old.get(name), new.get(name))
    return changes


def _compare_values(path: str, old: Any, new: Any) -> dict[str, Change]:
    if old is UNKNOWN or new is UNKNOWN:
        return {path: Change.ADD if old is None else Change.UPDATE}
    if isinstance(old, dict) and isinstance(new, dict):
        return _compare_maps(path, old, new)
    if old == new:
        return {}
    if old is None:
        return {path: Change.ADD}
    return {path: Change.DELETE if new is None else Change.UPDATE}
