"""What every module of the collection must have; one that lacks anything fails here by its name."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).parents[3]
COLLECTION = ROOT / "collections" / "ansible_collections" / "limen" / "platform"
TESTS = ROOT / "tests" / "integration" / "ansible"
MODULES = sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py"))
FIXED = {
    *("project", "quota", "quota_info", "quota_check", "quota_claim", "quota_reconcile"),
    *("pulumi_stack", "vm", "vm_snapshot"),
}


class Captured(Exception):
    """The module was about to begin; `options` are what it gave AnsibleModule."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.options = options


def load(module: str) -> Any:
    return importlib.import_module(f"ansible_collections.limen.platform.plugins.modules.{module}")


def specification(module: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the module gives AnsibleModule."""

    def capture(**options: Any) -> None:
        raise Captured(options)

    loaded = load(module)
    monkeypatch.setattr(loaded, "AnsibleModule", capture)
    with pytest.raises(Captured) as caught:
        loaded.main()
    return caught.value.options


def tasks_of(entries: Any) -> list[dict[str, Any]]:
    """Every task of an example, those in blocks and plays included."""
    found = []
    for entry in entries or ():
        found.append(entry)
        for part in ("tasks", "pre_tasks", "block", "rescue", "always"):
            found += tasks_of(entry.get(part))
    return found


def test_the_modules_that_others_build_on_are_there() -> None:
    assert set(MODULES) == FIXED


@pytest.mark.parametrize("module", MODULES)
def test_it_has_a_playbook_that_is_applied_applied_again_and_checked(module: str) -> None:
    playbook = TESTS / "playbooks" / f"{module}.yml"
    assert playbook.exists(), f"write {playbook.relative_to(ROOT)}"
    used = [
        task for task in tasks_of(yaml.safe_load(playbook.read_text())) if f"limen.platform.{module}" in task
    ]
    assert used, f"{playbook.name} does not use limen.platform.{module}"
    tests = [path.read_text() for path in sorted(TESTS.glob("test_*.py"))]
    assert any(proves(test, module) for test in tests), f"no test in {TESTS.name} proves {playbook.name}"


def proves(test: str, module: str) -> bool:
    """By the fixture, or by a test of the same name that runs the playbook in its own way."""
    by_fixture = re.search(rf'apply_reapply_check\(\s*"{module}"', test)
    return bool(by_fixture) or ("def test_apply_reapply_check" in test and f'"{module}.yml"' in test)


@pytest.mark.parametrize("module", MODULES)
def test_it_says_how_check_mode_and_diff_mode_behave(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = yaml.safe_load(load(module).DOCUMENTATION)
    assert {"check_mode", "diff_mode"} <= set(document["attributes"])
    assert document["attributes"]["check_mode"]["support"] == "full"
    assert specification(module, monkeypatch)["supports_check_mode"] is True


@pytest.mark.parametrize("module", MODULES)
def test_it_is_in_the_action_group_if_it_speaks_to_the_api(module: str) -> None:
    document = yaml.safe_load(load(module).DOCUMENTATION)
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())
    speaks = "limen.platform.api" in document.get("extends_documentation_fragment", [])
    assert (module in runtime["action_groups"]["api"]) == speaks


@pytest.mark.parametrize("module", MODULES)
def test_its_examples_have_options_that_it_takes(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = specification(module, monkeypatch)
    rules = {name: options.get(name) for name in ("mutually_exclusive", "required_one_of", "required_if")}
    validator = ArgumentSpecValidator(
        options["argument_spec"], **rules, required_together=options.get("required_together")
    )
    examples = [
        task[f"limen.platform.{module}"]
        for task in tasks_of(yaml.safe_load(load(module).EXAMPLES))
        if f"limen.platform.{module}" in task
    ]
    assert examples, "there is no example"
    for example in examples:
        given = {"api_url": "http://127.0.0.1", **(example or {})}
        if "api_url" not in options["argument_spec"]:
            del given["api_url"]
        result = validator.validate(given)
        assert result.error_messages == [], example


@pytest.mark.parametrize("module", MODULES)
def test_what_is_let_pass_in_sanity_has_a_reason(module: str) -> None:
    for file in sorted((COLLECTION / "tests" / "sanity").glob("ignore-*.txt")):
        lines = [line for line in file.read_text().splitlines() if f"/modules/{module}.py " in line]
        assert lines, f"{file.name} lacks {module}: it is Apache-2.0"
        assert all(" # " in line for line in lines), file.name
