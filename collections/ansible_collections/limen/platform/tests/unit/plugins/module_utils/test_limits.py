# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Declared limits and bounds, before anything is sent."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.limen.platform.plugins.module_utils import limits
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput

LIMIT = {"resource": "memory", "hard": "8GiB", "soft": None, "grace": None, "state": "present"}
BOUNDS = {"resource": "vcpus", "minimum": None, "maximum": None, "default": None, "state": "present"}


def limit(**changed: t.Any) -> dict[str, t.Any]:
    return {**LIMIT, **changed}


def bounds(**changed: t.Any) -> dict[str, t.Any]:
    return {**BOUNDS, **changed}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (limit(hard="8G"), "'8G' is not an amount of memory"),
        (limit(hard=None), "The limit of memory needs hard"),
        (limit(resource="cpus"), "'cpus' is not a resource"),
        (limit(soft="9GiB"), "The soft limit of memory is above the hard one"),
        (limit(grace="7d"), "The grace period of memory needs a soft limit"),
        (limit(soft="1GiB", grace="7 days"), "'7 days' is not a duration"),
        (limit(soft="unlimited"), "'unlimited' is not an amount of memory"),
    ],
)
def test_a_limit_that_can_not_be_right_is_refused(entry: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        limits.wanted([entry], limits.wanted_limit, "limits")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (bounds(), "need a minimum, maximum or default"),
        (bounds(minimum="3", maximum="2"), "must be minimum <= default <= maximum"),
        (bounds(minimum="3", default="2"), "must be minimum <= default <= maximum"),
        (bounds(maximum="2", default="3"), "must be minimum <= default <= maximum"),
        (bounds(default="True"), "'True' is not an amount of vcpus"),
    ],
)
def test_bounds_that_can_not_be_right_are_refused(entry: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        limits.wanted([entry], limits.wanted_bounds, "bounds")


def test_a_resource_has_one_entry() -> None:
    with pytest.raises(InvalidInput, match="limits names memory twice"):
        limits.wanted([limit(), limit()], limits.wanted_limit, "limits")


def test_only_what_differs_is_sent() -> None:
    declared = limits.wanted(
        [limit(), limit(resource="vms", hard="unlimited"), limit(resource="disk", state="absent")],
        limits.wanted_limit,
        "limits",
    )
    held = {
        "memory": {"hard": 8 * 2**30, "soft": None, "grace": None},
        "vms": {"hard": 4, "soft": None, "grace": None},
    }
    assert limits.differing(held, declared) == {"vms": {"hard": "unlimited", "soft": None, "grace": None}}


def test_what_is_read_back_equals_what_was_declared() -> None:
    quota = {
        "resources": [
            {"resource": "memory", "hard": str(8 * 2**30), "soft": str(2**30), "grace_seconds": 604800},
            {"resource": "disk", "hard": None, "soft": None, "grace_seconds": None},
        ],
        "own_bounds": {"vcpus": {"minimum": "1", "maximum": None, "default": None}},
    }
    declared = limits.wanted([limit(soft="1GiB", grace="7d")], limits.wanted_limit, "limits")
    assert limits.current_limits(quota) == declared
    assert limits.current_bounds(quota) == limits.wanted(
        [bounds(minimum="1")], limits.wanted_bounds, "bounds"
    )
