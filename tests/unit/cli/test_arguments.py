"""What is wrong or missing in a command line is said, and nobody is asked."""

from typing import Any

import pytest

from limen.client import ApiError, ApiUnavailable, QuotaDenied
from tests.bad_amounts import BAD_COUNTS, BAD_TEXT
from tests.unit.cli.conftest import Run


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
