"""The command's exit codes, outputs and refusals, in a process-like way: arguments in, code and text out."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limen import cli
from limen.client import ApiError, ApiUnavailable, Client, QuotaDenied
from tests.bad_amounts import BAD_COUNTS, BAD_TEXT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `limen` with these arguments; without an environment of its own there is no API."""
    for name in [name for name in os.environ if name.startswith("LIMEN_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["limen", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return call


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answers by method of the client; a callable is called, an exception is raised. Calls are noted."""
    answers: dict[str, Any] = {"calls": []}

    class Fake:
        def __enter__(self) -> "Fake":
            return self

        def __exit__(self, *_: object) -> None:
            return

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                answers["calls"].append((name, arguments, named))
                answer = answers[name]
                if isinstance(answer, Exception):
                    raise answer
                return answer(*arguments, **named) if callable(answer) else answer

            return call

    monkeypatch.setattr(Client, "from_environment", lambda: Fake())
    return answers


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


@pytest.mark.parametrize("command", ["db", "user", "token", "project", "quota", "host", "claim", "vm"])
def test_every_group_has_help(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage" in out


def test_every_bad_amount_is_bad_input_and_asks_nobody(run: Run, api: dict[str, Any]) -> None:
    """An API that would be asked is there, so what gets through shows as a call."""
    through = []
    for bad in BAD_TEXT:
        for resource in ("memory", "vcpus"):
            for arguments in (
                ("quota", "explain", "demo", f"{resource}={bad}"),
                ("quota", "set", "demo", f"{resource}={bad}"),
                ("quota", "set", "demo", "--soft", f"{resource}={bad}"),
                ("quota", "bounds", "demo", "--maximum", f"{resource}={bad}"),
                ("host", "add", "qemu:///system", "--reserve", f"{resource}={bad}"),
            ):
                # A comma separates, so that what stands before it may be fine by itself.
                code, _, err = run(*arguments)
                if code != 2 or not err:
                    through.append((arguments, code))
    for bad in BAD_COUNTS:
        code, _, _ = run("quota", "explain", "demo", f"vcpus={bad}")
        if code != 2:
            through.append((("explain", bad), code))
    assert through == []
    assert api["calls"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("quota", "explain", "demo", "memory"),
        ("quota", "explain", "demo", "memory=1GiB", "memory=2GiB"),
        ("quota", "explain", "demo", "ram=1GiB"),
        ("quota", "explain", "demo"),
        ("quota", "explain", "demo", "memory=unlimited"),
        ("quota", "set", "demo"),
        ("quota", "set", "demo", "memory=1GiB", "--grace", "7d"),
        ("quota", "set", "demo", "memory=1GiB", "--soft", "memory=1MiB", "--grace", "1.5d"),
        ("host", "add", "qemu:///system", "--overcommit", "vcpus=nan"),
        ("host", "add", "qemu:///system", "--overcommit", "vcpus=0"),
        ("token", "create", "ada", "--scope", "everything"),
        ("token", "create", "ada", "--scope", "admin", "--ttl", "forever"),
        ("project", "member", "demo", "ada", "king"),
        ("project", "move", "demo"),
        ("audit", "--limit", "0"),
        ("claim", "release", "x", "--sideways"),
    ],
)
def test_bad_input_is_two_and_asks_nobody(run: Run, api: dict[str, Any], arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err
    assert api["calls"] == []


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


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ApiUnavailable("limen-api can't be reached."), 1),
        (ApiError({"status": 404, "code": "not_found", "detail": "There is none."}), 1),
        (ApiError({"status": 422, "code": "invalid", "detail": "Wrong."}), 2),
        (QuotaDenied({"allowed": False, "text": "Denied: too much."}), 3),
    ],
)
def test_errors_are_one_message_on_standard_error(
    run: Run, api: dict[str, Any], error: Exception, code: int
) -> None:
    api["get_quota"] = error
    assert run("quota", "show", "demo") == (code, "", f"limen: {error}\n")


def test_without_an_environment_the_variable_is_named(run: Run) -> None:
    code, out, err = run("whoami")
    assert (code, out) == (1, "")
    assert "LIMEN_API_URL" in err


def test_destructive_commands_ask(run: Run, api: dict[str, Any]) -> None:
    api["delete_project"] = api["forget_host"] = None
    for arguments in (("project", "delete", "demo"), ("host", "forget", "lab")):
        code, _, err = run(*arguments)
        assert code == 2
        assert "--yes" in err
        assert api["calls"] == []
    assert run("project", "delete", "demo", "--yes")[0] == 0
    assert [call[0] for call in api["calls"]] == ["delete_project"]


TAKEN = ApiError({"status": 409, "code": "conflict", "detail": "It is taken."})


def test_a_user_that_is_there_is_fine_if_it_is_alike(run: Run, api: dict[str, Any]) -> None:
    api["create_user"] = TAKEN
    api["list_users"] = [{"name": "ada", "administrator": True}]
    assert run("user", "create", "ada", "--administrator")[0] == 1
    code, out, _ = run("user", "create", "ada", "--administrator", "--if-missing", "--json")
    assert (code, json.loads(out)) == (0, {"name": "ada", "administrator": True, "changed": False})
    code, out, err = run("user", "create", "ada", "--if-missing")
    assert (code, out) == (1, "")
    assert "user ada already, but administrator is yes and not no" in err
    assert run("user", "create", "eve", "--if-missing")[2] == "limen: It is taken.\n"


def test_a_project_that_is_there_is_fine_below_the_same_parent(run: Run, api: dict[str, Any]) -> None:
    api["create_project"] = TAKEN
    api["get_project"] = {"name": "demo", "parent": "team", "chain": ["demo", "team"]}
    code, out, _ = run("project", "create", "demo", "--parent", "team", "--if-missing")
    assert (code, out) == (0, "There is project demo below team already.\n")
    code, _, err = run("project", "create", "demo", "--if-missing")
    assert code == 1
    assert "parent is team and not none" in err
    api["create_project"] = {"name": "demo", "parent": None, "chain": ["demo"]}
    assert json.loads(run("project", "create", "demo", "--if-missing", "--json")[1])["changed"] is True


def test_a_host_that_is_there_is_left_if_it_is_as_the_options_say(run: Run, api: dict[str, Any]) -> None:
    vcpus = dict.fromkeys(("capacity", "limit", "used", "reserved", "orphans"), "0")
    vcpus |= {"resource": "vcpus", "reserve": "2", "overcommit": "10"}
    host = {"name": "lab", "id": "h", "uri": "qemu:///system", "scanned": None, "reachable": True}
    api["list_hosts"] = [{**host, "resources": [vcpus]}]
    add = ("host", "add", "qemu:///system", "--if-missing")
    assert run(*add)[0] == run(*add, "--name", "lab", "--reserve=vcpus=2", "--overcommit=vcpus=10.0")[0] == 0
    code, _, err = run(*add, "--overcommit", "vcpus=4", "--name", "other")
    assert code == 1
    assert "its name is lab and not other; the overcommit of vcpus is 10 and not 4" in err
    assert {call[0] for call in api["calls"]} == {"list_hosts"}


def test_a_token_file_is_private_and_replaced_whole(run: Run, api: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)
    api["create_token"] = {"id": "1", "token": "limen_new"}
    code, out, err = run(
        "token", "create", "ada", "--scope", "quota:check,claims:write", "--output", str(file)
    )
    assert code == 0
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("limen_new\n", 0o600)
    assert "limen_new" not in out + err
    assert os.listdir(tmp_path) == ["token"]
    assert api["calls"][0][1][1] == ["quota:check", "claims:write"]


def test_a_token_without_a_file_goes_to_standard_output_alone(run: Run, api: dict[str, Any]) -> None:
    api["create_token"] = {"id": "1", "token": "limen_new"}
    _, out, err = run("token", "create", "ada", "--scope", "quota:check")
    assert out == "limen_new\n"
    assert "limen_new" not in err


def test_no_token_is_issued_when_its_file_has_no_folder(
    run: Run, api: dict[str, Any], tmp_path: Path
) -> None:
    code, _, _ = run("token", "create", "ada", "--scope", "admin", "--output", str(tmp_path / "no" / "token"))
    assert code == 2
    assert api["calls"] == []


CLAIMS = [
    {
        "id": f"claim-{project}",
        "project": project,
        "owner": {"kind": "stack", "name": "web"},
        "items": [
            {
                "key": "vm:a",
                "kind": "vm",
                "name": "a",
                "uuid": project,
                "host": "h",
                "state": "committed",
                "charge": {},
            }
        ],
    }
    for project in ("one", "two")
]


def test_a_vm_name_in_two_projects_needs_a_choice(run: Run, api: dict[str, Any]) -> None:
    api["list_claims"] = lambda project, host: [each for each in CLAIMS if project in (None, each["project"])]
    api["get_claim"] = CLAIMS[0]
    code, _, err = run("vm", "show", "a")
    assert code == 2
    assert "a in one (one), a in two (two)" in err
    assert run("vm", "show", "a", "--project", "one", "--json")[0] == 0
    assert run("vm", "show", "b")[0] == 2


def test_a_vm_goes_by_the_name_that_its_stack_has_for_it(run: Run, api: dict[str, Any]) -> None:
    items = [
        {**CLAIMS[0]["items"][0], "key": f"vm:{key}", "name": name}
        for key, name in (("web", "dev-web"), ("db", "web-2"), ("web-2", "dev-web-2"))
    ]
    claim = {**CLAIMS[0], "items": items}
    api["list_claims"], api["get_claim"] = [claim], claim
    for given, found in (("web", "dev-web"), ("dev-web", "dev-web"), ("db", "web-2"), ("web-2", "web-2")):
        code, out, _ = run("vm", "show", given, "--json")
        assert (code, json.loads(out)["name"]) == (0, found)


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
