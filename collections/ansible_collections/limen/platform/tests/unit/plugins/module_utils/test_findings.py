# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Which findings a repair means."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.findings import chosen

FINDINGS = [
    {"id": "ghost:1", "actions": ["release"], "project": "a", "name": "x"},
    {"id": "ghost:2", "actions": ["release"], "project": "b", "name": "x"},
    {"id": "drift:1", "actions": ["lower"], "project": "a", "name": "y"},
    {"id": "orphan:1", "actions": ["adopt"], "project": None, "name": "z"},
]


def rule(action: str, **named: str) -> dict[str, t.Any]:
    return {"action": action, "finding": None, "project": None, "name": None, **named}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], []),
        ([rule("release")], ["ghost:1", "ghost:2"]),
        ([rule("release", project="a")], ["ghost:1"]),
        ([rule("release", name="x", project="b")], ["ghost:2"]),
        ([rule("lower", finding="drift:1")], ["drift:1"]),
        ([rule("claim")], []),
        ([rule("release", project="nobody")], []),
        ([rule("release", project="a"), rule("release")], ["ghost:1", "ghost:2"]),
    ],
)
def test_only_what_is_told(rules: list[dict[str, t.Any]], expected: list[str]) -> None:
    assert [each["finding"] for each in chosen(FINDINGS, rules)] == expected


@pytest.mark.parametrize("named", [{"name": "z"}, {"finding": "orphan:1"}])
def test_what_is_adopted_is_named_and_paid_for(named: dict[str, str]) -> None:
    assert chosen(FINDINGS, [rule("adopt", project="a", **named)]) == [
        {"finding": "orphan:1", "action": "adopt", "project": "a"}
    ]


@pytest.mark.parametrize("named", [{"finding": "drift:1"}, {"finding": "nothing"}])
def test_a_finding_must_be_there_and_offer_the_action(named: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="There is no finding"):
        chosen(FINDINGS, [rule("release", **named)])
