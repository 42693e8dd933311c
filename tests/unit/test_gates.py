"""Gates that can fail: every test is run by something, every list of what is checked is whole."""

import tomllib
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.proof import git
from tests.proof.inputs import ROOT

# Tests that `make test` does not run, and what does.
ELSEWHERE = {
    "tests/e2e/*": "python -m tests.site, and `make verify`",
    "roles/*/molecule/default/tests/*": "molecule",
    "collections/ansible_collections/limen/platform/tests/unit/*": "ansible-test units",
}
# Whose types nobody checks yet.
UNTYPED = {"tests/unit", "tests/contract", "tests/integration", "tests/security"}


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    return git.output(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")


@pytest.fixture(scope="module")
def tools() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    return found


def test_every_test_is_run_by_something(tracked: list[str], tools: dict[str, Any]) -> None:
    paths = tools["pytest"]["ini_options"]["testpaths"]
    tests = [path for path in tracked if path.endswith(".py") and path.rpartition("/")[2].startswith("test_")]
    assert len(tests) > 200
    assert [
        path
        for path in tests
        if not path.startswith(tuple(f"{each}/" for each in paths))
        and not any(fnmatchcase(path, each) for each in ELSEWHERE)
    ] == []


def test_types_of_all_that_tests_are_made_of_are_checked(tracked: list[str], tools: dict[str, Any]) -> None:
    """A folder of tests that is added is checked, or stands among those that are not."""
    below = {"/".join(path.split("/")[:2]) for path in tracked if path.startswith("tests/")}
    modules = {path.removesuffix(".py") for path in below if path.endswith(".py") or "." not in path}
    checked = {name.replace(".", "/") for name in tools["mypy"]["packages"] if name.startswith("tests.")}
    assert modules == checked | UNTYPED
