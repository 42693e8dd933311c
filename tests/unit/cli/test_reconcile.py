"""`limen reconcile` and `limen audit`: what is repaired and deleted, and only when told."""

from typing import Any

from limen.client import ApiError
from tests.unit.cli.conftest import Run


def test_reconcile_repairs_what_is_offered_and_fails_if_it_could_not(run: Run, api: dict[str, Any]) -> None:
    finding = {
        "id": "f1",
        "kind": "ghost",
        "item_kind": "vm",
        "name": "a",
        "project": "demo",
        "claimed": {"vms": "1"},
        "observed": {},
        "actions": ["release"],
    }
    api["list_hosts"] = [{"id": "h", "name": "lab"}]
    api["scan_host"] = ApiError({"status": 503, "code": "unavailable", "detail": "Away."})
    api["get_findings"] = {
        "findings": [finding, {**finding, "id": "f2", "actions": []}],
        "unreachable": ["lab"],
    }
    api["repair"] = {"results": [{"finding": "f1", "action": "release", "done": False, "detail": "No."}]}
    code, out, _ = run("reconcile", "--repair", "--yes")
    assert code == 1
    assert "not done: No." in out
    assert "Host lab does not answer" in out
    assert api["calls"][-1][1] == ([{"finding": "f1", "action": "release"}],)
    assert run("reconcile")[0] == 0


def test_orphans_are_adopted_only_when_told_who_pays(run: Run, api: dict[str, Any]) -> None:
    orphan = {
        "id": "o1",
        "kind": "orphan",
        "item_kind": "vm",
        "name": "a",
        "project": None,
        "claimed": {},
        "observed": {"vms": "1"},
        "actions": ["adopt"],
    }
    api["get_findings"] = {"findings": [orphan], "unreachable": []}
    api["repair"] = {"results": [{"finding": "o1", "action": "adopt", "done": True, "detail": None}]}
    assert run("reconcile", "--no-scan", "--repair", "--yes")[0] == 0
    assert [call[0] for call in api["calls"]] == ["get_findings"]
    code, _, err = run("reconcile", "--no-scan", "--repair", "--project", "demo", "--yes")
    assert code == 2
    assert "--only" in err
    assert run("reconcile", "--no-scan", "--repair", "--only", "o1", "--project", "demo", "--yes")[0] == 0
    assert api["calls"][-1][1] == ([{"finding": "o1", "action": "adopt", "project": "demo"}],)


def test_pruning_takes_an_age_and_a_confirmation(run: Run, api: dict[str, Any]) -> None:
    api["prune_audit"], api["list_audit"] = {"removed": 2}, []
    assert run("audit", "prune")[0] == run("audit", "prune", "--older-than", "90d")[0] == 2
    assert api["calls"] == []
    assert run("audit", "prune", "--older-than", "90d", "--yes")[:2] == (0, "Deleted 2 denials.\n")
    assert api["calls"] == [("prune_audit", (90 * 86400,), {})]
    assert run("audit", "--project", "demo", "--before", "7")[0] == 0
    assert api["calls"][-1] == ("list_audit", ("demo", 50, 7), {})
