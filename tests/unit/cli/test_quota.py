"""`limen quota`: the decision in codes, tables, and what a change keeps."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Run

QUOTA = {
    "project": "demo",
    "chain": ["demo", "team"],
    "resources": [
        {
            "resource": "memory",
            "hard": "1073741824",
            "soft": "536870912",
            "grace_seconds": 604800,
            "soft_since": None,
            "used": "268435456",
            "reserved": "0",
            "left": "805306368",
        },
        {
            "resource": "vms",
            "hard": "unlimited",
            "soft": None,
            "grace_seconds": None,
            "soft_since": None,
            "used": "1",
            "reserved": "0",
            "left": "unlimited",
        },
    ],
    "bounds": {"vcpus": {"minimum": "1", "maximum": None, "default": None}},
    "own_bounds": {"vcpus": {"minimum": "1", "maximum": None, "default": None}},
    "claims": [],
}


@pytest.mark.parametrize(("allowed", "expected"), [(True, 0), (False, 3)])
def test_explain_says_and_codes_the_decision(
    run: Run, api: dict[str, Any], allowed: bool, expected: int
) -> None:
    api["explain"] = {"allowed": allowed, "text": "So it is."}
    assert run("quota", "explain", "demo", "memory=1GiB", "vms=1")[:2] == (expected, "So it is.\n")
    assert api["calls"][0] == ("explain", ("demo",), {"amounts": {"memory": 2**30, "vms": 1}})
    code, out, _ = run("quota", "explain", "demo", "memory=1GiB", "--json")
    assert (code, json.loads(out)["allowed"]) == (expected, allowed)


def test_set_keeps_soft_limits_that_are_not_named(run: Run, api: dict[str, Any]) -> None:
    api["get_quota"] = api["set_limits"] = QUOTA
    assert run("quota", "set", "demo", "memory=2GiB", "vms=none", "disk=unlimited")[0] == 0
    assert api["calls"][-1][1][1] == {
        "memory": {"hard": "2GiB", "soft": "536870912", "grace_seconds": 604800},
        "vms": {"hard": None},
        "disk": {"hard": "unlimited"},
    }
    run("quota", "set", "demo", "--soft", "memory=256MiB", "--grace", "12h")
    assert api["calls"][-1][1][1] == {
        "memory": {"hard": "1073741824", "soft": "256MiB", "grace_seconds": 43200}
    }
    run("quota", "set", "demo", "--soft", "memory=none")
    assert api["calls"][-1][1][1] == {"memory": {"hard": "1073741824"}}
    code, _, err = run("quota", "set", "demo", "--soft", "networks=1")
    assert code == 2
    assert "networks" in err


def test_bounds_keep_what_is_not_named(run: Run, api: dict[str, Any]) -> None:
    api["get_quota"] = api["set_bounds"] = QUOTA
    assert run("quota", "bounds", "demo", "--maximum", "vcpus=8,memory=4GiB", "--default", "vcpus=2")[0] == 0
    assert api["calls"][-1][1][1] == {
        "vcpus": {"minimum": "1", "maximum": "8", "default": "2"},
        "memory": {"maximum": "4GiB"},
    }


def test_show_is_a_table_and_json(run: Run, api: dict[str, Any]) -> None:
    api["get_quota"] = QUOTA
    _, out, _ = run("quota", "show", "demo")
    assert "demo below team" in out
    row = next(line for line in out.splitlines() if "memory" in line)
    assert row.split() == ["memory", "1GiB", "512MiB", "256MiB", "0B", "768MiB"]
    assert json.loads(run("quota", "show", "demo", "--json")[1]) == QUOTA
