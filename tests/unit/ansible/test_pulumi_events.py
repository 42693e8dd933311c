"""What the events of Pulumi's engine come to: changes, errors, lines for who waits."""

import json
from typing import Any

import pytest
from ansible_collections.limen.platform.plugins.module_utils import pulumi_events

STACK = "urn:pulumi:dev::vm_stack::"
SIZE = "limen:index:DomainSize"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def step(
    op: str, name: str = "web", old: Any = None, new: Any = None, kind: str = "resourcePreEvent", **more: Any
) -> dict[str, Any]:
    metadata = {"op": op, "urn": f"{STACK}{SIZE}::{name}", "type": SIZE, **more}
    metadata |= {"old": {"inputs": old} if old else None, "new": {"inputs": new} if new else None}
    return {kind: {"metadata": metadata}}


def planned(op: str) -> dict[str, Any]:
    """A step of a preview."""
    event = step(op)
    event["resourcePreEvent"]["planning"] = True
    return event


def said(severity: str, message: str, urn: str = "") -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message, **({"urn": urn} if urn else {})}}


def ended(**counts: int) -> dict[str, Any]:
    return {"summaryEvent": {"resourceChanges": counts}}


def report(*events: dict[str, Any]) -> pulumi_events.Report:
    return pulumi_events.read(json.dumps(event) for event in events)


def test_an_update_is_the_properties_that_differ() -> None:
    found = report(
        step("same", "other", {"memory": 1}, {"memory": 1}),
        step(
            "update",
            old={"memory": 1, "vcpus": 1},
            new={"memory": 2, "vcpus": 1},
            detailedDiff={"memory": {"diffKind": "update"}},
        ),
        ended(same=1, update=1),
    )
    [change] = found.changes
    assert (change.op, change.before, change.after) == ("update", {"memory": 1}, {"memory": 2})
    assert change.summary()["properties"] == ["memory"]
    assert found.changed
    assert found.diff()["before"] == {f"{SIZE} web": {"memory": 1}}


def test_what_is_made_and_what_goes_is_there_on_one_side_only() -> None:
    found = report(
        step("create", "new", None, {"memory": 2}), step("delete", "old", {"memory": 1}), ended(create=1)
    )
    assert found.diff()["after"] == {f"{SIZE} new": {"memory": 2}}
    assert found.diff()["before"] == {f"{SIZE} old": {"memory": 1}}


def test_a_replacement_is_one_change() -> None:
    steps = [
        step(op, old={"uuid": "a"}, new={"uuid": "b"})
        for op in ("create-replacement", "replace", "delete-replaced")
    ]
    [change] = report(*steps, ended(replace=1)).changes
    assert (change.op, change.before, change.after) == ("replace", {"uuid": "a"}, {"uuid": "b"})


def test_nothing_but_sames_and_refreshes_is_no_change() -> None:
    assert not report(step("same"), step("refresh"), ended(same=2, refresh=1)).changed


def test_a_run_that_was_cut_off_has_changed_what_was_done() -> None:
    done = step("create", new={"memory": 1}, kind="resOutputsEvent")
    assert report(step("create", new={"memory": 1}), done).changed
    assert not report(step("create", new={"memory": 1})).changed
    cut = [json.dumps(done), '{"summaryEv']
    assert pulumi_events.read(cut).changed


def test_secrets_and_what_is_not_known_yet_are_named_as_such() -> None:
    new = {"password": SECRET, "list": [{"key": SECRET}], "uuid": UNKNOWN, "xslt": "x" * 1000, "__id": "7"}
    [change] = report(step("create", new=new), ended(create=1)).changes
    assert change.after is not None
    assert (change.after["password"], change.after["list"]) == ("[secret]", [{"key": "[secret]"}])
    assert change.after["uuid"] == "(known after the change)"
    assert change.after["xslt"].endswith("(1000 characters)")
    assert "__id" not in change.after


def test_a_denial_is_told_without_the_engines_frame_around_it() -> None:
    frame = "limen:index:QuotaClaim resource 'quota' has a problem: "
    found = report(
        said("error", f"{frame}Denied: project demo may not use 1 more vms.", f"{STACK}x::quota"),
        said("error", "update failed"),
    )
    assert found.errors == ["Denied: project demo may not use 1 more vms."]


def test_other_errors_name_their_resource_once_and_policies_count() -> None:
    urn = f"{STACK}{SIZE}::web"
    mandatory = {"policyName": "p", "message": "too large", "enforcementLevel": "mandatory"}
    found = report(
        said("error", "no pool", urn),
        said("error", "no pool", urn),
        said("warning", "a shaky thing"),
        {"policyEvent": mandatory},
        {"policyEvent": {**mandatory, "enforcementLevel": "advisory"}},
    )
    assert found.errors == ["web: no pool", "policy p: too large"]
    assert found.warnings == ["a shaky thing", "policy p: too large"]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (step("create"), "limen:DomainSize web: creating"),
        (planned("delete"), "limen:DomainSize web: to be deleted"),
        (step("delete", kind="resOutputsEvent"), "limen:DomainSize web: deleted"),
        (step("update", kind="resOpFailedEvent"), "limen:DomainSize web: failed"),
        (step("same"), ""),
        (said("info", "waiting for\n the guest", f"{STACK}{SIZE}::web"), "web: waiting for the guest"),
        (said("debug", "rpc"), ""),
        (ended(same=1), ""),
        ({}, ""),
    ],
)
def test_who_waits_is_told_what_happens_and_nothing_else(event: dict[str, Any], line: str) -> None:
    assert pulumi_events.progress(event) == line
