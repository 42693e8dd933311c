# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What a preview asks for."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.previews import failure, questions

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
URN = "urn:pulumi:dev::web::"


def step(kind: str, op: str = "create", **state: t.Any) -> dict[str, t.Any]:
    return {"op": op, "urn": f"{URN}{kind}::x", "newState": {"type": kind, **state}}


def claim(op: str = "create", **changed: t.Any) -> dict[str, t.Any]:
    item = {"kind": "vm", "name": "web", "amounts": {"vms": "1", "memory": "1GiB"}}
    inputs = {"project": "demo", "claimId": "id", "host": "hv", "items": {"vm:web": {**item, **changed}}}
    return step("limen:index:QuotaClaim", op, inputs=inputs)


def domain(*dependencies: str, op: str = "create") -> dict[str, t.Any]:
    return step("libvirt:index/domain:Domain", op, dependencies=list(dependencies))


def test_a_claim_becomes_a_question() -> None:
    admission = f"{URN}limen:index:VirtualMachine$limen:index:Admission::vm:web"
    assert questions({"steps": [claim(), domain(admission)]}, "demo") == [
        {
            "project": "demo",
            "claim": "id",
            "host": "hv",
            "items": [
                {"key": "vm:web", "kind": "vm", "name": "web", "amounts": {"vms": "1", "memory": "1GiB"}}
            ],
        }
    ]


def denied(question: t.Any) -> dict[str, t.Any]:
    """A preview that the quota check denied: without a step of the claim."""
    told = {"severity": "info", "message": json.dumps({"limen:question": question})}
    other = [{"severity": "info", "message": text} for text in ("hello", "[]", '{"limen:question": 1}')]
    return {"steps": [], "diagnostics": [*other, {"severity": "error", "message": "Denied: no."}, told]}


def test_a_preview_that_was_denied_is_asked_again() -> None:
    question = {"project": "demo", "claim": "id", "host": "hv", "items": []}
    preview = denied(question)
    assert questions(preview, "demo") == questions(preview, None) == [question]
    assert failure(preview) == "The preview itself failed: Denied: no."
    with pytest.raises(InvalidInput, match="charged to project demo, not to other"):
        questions(preview, "other")


def test_what_is_not_known_yet_counts_as_its_upper_bound() -> None:
    (question,) = questions(
        {"steps": [claim(amounts={"memory": UNKNOWN, "vcpus": UNKNOWN}, upperBound={"memory": "2GiB"})]}, None
    )
    assert question["items"][0]["amounts"] == {"memory": {"upper": "2GiB"}, "vcpus": {"upper": None}}


def test_names_that_are_not_known_yet_are_made_up() -> None:
    (question,) = questions({"steps": [claim(kind="disk", name=UNKNOWN, volume=UNKNOWN)]}, None)
    assert question["items"][0]["name"] == "vm:web"
    assert question["items"][0]["volume"] == "unknown/vm:web"


@pytest.mark.parametrize(
    "steps", [[], [claim("delete")], [domain("x", op="update")], [{"op": "same", "urn": "u"}]]
)
def test_what_takes_nothing_asks_for_nothing(steps: list[dict[str, t.Any]]) -> None:
    assert questions({"steps": steps}, "demo") == []


@pytest.mark.parametrize(
    ("preview", "message"),
    [
        ([], "has no steps"),
        ({}, "has no steps"),
        ({"steps": "x"}, "has no steps"),
        ({"steps": [claim()], "diagnostics": [{"severity": "error", "message": "boom\n"}]}, "failed: boom$"),
        ({"steps": [domain()]}, "would be made without the quota check"),
        ({"steps": [claim(), domain(f"{URN}limen:index:QuotaClaim::quota")]}, "without the quota check"),
        ({"steps": [step("limen:index:QuotaClaim", inputs={"project": "demo"})]}, "has no items"),
        (
            {"steps": [step("limen:index:QuotaClaim", inputs={"project": "other"})]},
            "charged to project other",
        ),
    ],
)
def test_what_is_no_preview_or_goes_around_the_check_is_refused(preview: t.Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        questions(preview, "demo")
