# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What the options of quota_check amount to."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.limen.platform.plugins.module_utils import checks
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput

NOTHING = dict.fromkeys(("project", "amounts", "vms", "host", "preview", "preview_file"))
VM = {"name": "web", "vcpus": "2", "memory": "1GiB", "disks": ["8GiB", "1GiB"], "devices": {"gpu": 1}}


def asked(**options: t.Any) -> list[dict[str, t.Any]]:
    return checks.asked({**NOTHING, "project": "demo", **options}).bodies


def test_amounts_are_sent_as_numbers_in_text() -> None:
    assert asked(amounts={"memory": "2GiB", "vcpus": 2}) == [
        {"project": "demo", "amounts": {"memory": str(2 * 2**30), "vcpus": "2"}}
    ]


def test_vms_on_a_host_are_items() -> None:
    (body,) = asked(vms=[VM], host="hv")
    assert body["host"] == "hv"
    assert [item["key"] for item in body["items"]] == ["vm:web", "disk:web-0", "disk:web-1"]
    assert body["items"][0]["amounts"] == {
        "vms": "1",
        "vcpus": "2",
        "memory": str(2**30),
        "device:gpu": "1",
    }


def test_vms_without_a_host_are_added_up() -> None:
    (body,) = asked(vms=[VM, {**VM, "name": "web-2", "disks": None, "devices": None}])
    assert body["amounts"] == {
        "vms": "2",
        "vcpus": "4",
        "memory": str(2 * 2**30),
        "device:gpu": "1",
        "disk": str(9 * 2**30),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": "Demo", "amounts": {"vms": 1}}, "'Demo' is not a project name"),
        ({"project": None, "amounts": {"vms": 1}}, "project is needed"),
        ({"amounts": {}}, "amounts names no resource"),
        ({"amounts": {"vms": True}}, "True is not an amount of vms"),
        ({"amounts": {"memory": 1.5}}, "1.5 is not an amount of memory"),
        ({"vms": []}, "vms lists no VM"),
        ({"vms": [VM, VM]}, "vms names web more than once"),
        ({"vms": [{**VM, "memory": "1G"}]}, "'1G' is not an amount of memory"),
        ({"vms": [{**VM, "devices": {"GPU": 1}}]}, "'device:GPU' is not a resource"),
        ({"preview": "{"}, "The preview is not JSON"),
        ({"preview_file": "/nowhere/preview.json"}, "preview_file /nowhere/preview.json can't be read"),
    ],
)
def test_bad_input_is_refused(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        asked(**options)


def test_usage_before_and_after() -> None:
    line = {
        "scope": "demo",
        "scope_kind": "project",
        "resource": "memory",
        "used": str(2**30),
        "reserved": str(2**30),
        "before": str(2**30),
        "after": str(3 * 2**30),
    }
    before, after = checks.usage([{"lines": [line, {**line, "resource": "vms", "after": None}]}])
    assert (before["project demo memory"], after["project demo memory"]) == ("2GiB", "4GiB")
    assert after["project demo vms"] == "unknown"
