"""limen.platform.pulumi_stack: the real engine, provider, API and libvirtd, with guests that cost nothing."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from limen.hypervisor.connection import connect
from limen.hypervisor.domains import set_tags
from tests.integration.ansible import oldest
from tests.integration.ansible.runner import ANSIBLE_PLAYBOOK, PLAYBOOKS, Run, RunPlaybook
from tests.lab.demo import program
from tests.world import guests
from tests.world.world import World

# Each test runs the engine several times, and starts a playbook for each.
pytestmark = pytest.mark.timeout(900)

SECRET = "correct-horse-battery"
ONE_TASK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: task
      limen.platform.pulumi_stack: {}
"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Program:
    """A copy of vm_stack, so that Git sees nothing of its configuration, and a stack's name and project."""

    world: World
    run: RunPlaybook
    folder: Path
    stack: str
    project: str

    @property
    def config_file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def config(self, *names: str, **changes: Any) -> dict[str, Any]:
        """The configuration of a stack of idle guests."""
        vms = {name: guests.vm(**changes) for name in names}
        document = self.world.document(vms, number=80 + int(self.stack[1:]))
        sections: dict[str, Any] = {f"vm_stack:{section}": entries for section, entries in document.items()}
        return {"limen:project": self.project, **sections}

    def variables(self, *names: str, **changes: Any) -> dict[str, Any]:
        return {
            "project_dir": str(self.folder),
            "stack": self.stack,
            "config": self.config(*names, **changes),
            "secrets": {"unused:password": SECRET},
        }

    def play(self, *arguments: str, ansible: Path = ANSIBLE_PLAYBOOK, **variables: Any) -> Run:
        """The module's playbook."""
        ran = self.run(
            PLAYBOOKS / "pulumi_stack.yml",
            *arguments,
            ansible=ansible,
            environment={**self.world.environment, **oldest.ENVIRONMENT},
            variables=variables,
        )
        assert SECRET not in ran.output
        return ran

    def task(self, *arguments: str, **options: Any) -> Run:
        """One task with these options."""
        given = {"project_dir": str(self.folder), "stack": self.stack, **options}
        return self.run(ONE_TASK.format(json.dumps(given)), *arguments, environment=self.world.environment)

    def domains(self) -> set[str]:
        prefix = f"{self.stack}-"
        return {name.removeprefix(prefix) for name in self.world.domains() if name.startswith(prefix)}


@pytest.fixture
def make_program(
    world: World, ansible_playbook: RunPlaybook, project: str, tmp_path: Path
) -> Iterator[Callable[[], Program]]:
    made: list[Program] = []

    def make() -> Program:
        stack = f"a{next(_numbers)}"
        folder = tmp_path / stack
        shutil.copytree(
            program.PROGRAM, folder, ignore=shutil.ignore_patterns("Pulumi.*.yaml", "__pycache__")
        )
        made.append(Program(world, ansible_playbook, folder, stack, project))
        return made[-1]

    yield make
    for each in made:
        each.task(state="absent", remove=True).require()
        assert each.domains() == set()


@pytest.fixture
def vm_stack(make_program: Callable[[], Program]) -> Program:
    return make_program()


def test_apply_reapply_check(vm_stack: Program) -> None:
    variables = vm_stack.variables("web", "db")
    foretold = vm_stack.play("--check", "--diff", **variables).require().task("Bring the stack up")
    assert foretold.changed
    assert vm_stack.domains() == set()
    assert not vm_stack.config_file.exists(), "check mode wrote a configuration"
    assert "libvirt:index/domain:Domain web" in foretold.diff["after"]

    applied = vm_stack.play("--diff", **variables).require()
    result = applied.task("Bring the stack up").result
    assert result["changed"]
    assert result["created"]
    assert vm_stack.domains() == {"web", "db"}
    assert set(result["outputs"]["vms"]) == {"web", "db"}
    assert {(each["type"], each["name"], each["op"]) for each in result["changes"]} == {
        (each["type"], each["name"], each["op"]) for each in foretold.result["changes"]
    }
    assert set(result["diff"]["after"]) == set(foretold.diff["after"])
    assert SECRET not in vm_stack.config_file.read_text()
    assert "libvirt:Domain web: created" in applied.output, "nobody saw how it goes"

    for arguments in ((), ("--check",)):
        again = vm_stack.play(*arguments, **variables).require()
        assert again.changed == [], again.explanation
        assert again.task("Bring the stack up").result["changes"] == []


def test_under_the_oldest_ansible(vm_stack: Program) -> None:
    variables = vm_stack.variables("web")
    ansible = oldest.oldest_ansible_playbook()
    foretold = vm_stack.play("--check", "--diff", ansible=ansible, **variables).require()
    applied = vm_stack.play("--diff", ansible=ansible, **variables).require()
    assert applied.changed == foretold.changed == ["Bring the stack up"]
    assert vm_stack.domains() == {"web"}
    assert "libvirt:Domain web: created" in applied.output, "nobody saw how it goes"
    assert vm_stack.play(ansible=ansible, **variables).require().changed == []


def test_a_change_is_shown_by_its_properties_and_made_in_place(vm_stack: Program) -> None:
    vm_stack.play(**vm_stack.variables("web", tags={"role": "database"})).require()
    variables = vm_stack.variables("web", tags={"role": "proxy"})
    before = vm_stack.config_file.read_text()
    for arguments in (("--check", "--diff"), ("--diff",)):
        task = vm_stack.play(*arguments, **variables).require().task("Bring the stack up")
        [change] = task.result["changes"]
        assert (change["name"], change["op"], change["properties"]) == ("web", "update", ["tags"])
        assert task.diff["before"] == {"limen:index:DomainMetadata web": {"tags": {"role": "database"}}}
        assert task.diff["after"] == {"limen:index:DomainMetadata web": {"tags": {"role": "proxy"}}}
        assert task.result["configured"] == ["vm_stack:vms"]
        if arguments[0] == "--check":
            assert vm_stack.config_file.read_text() == before


def test_a_stack_that_does_not_fit_fails_with_the_decision_and_makes_nothing(vm_stack: Program) -> None:
    variables = vm_stack.variables("web", memory="4GiB")
    for arguments in (("--check",), ()):
        failed = vm_stack.play(*arguments, **variables).require_failure()
        assert not failed.changed or arguments == ()
        assert failed.result["denied"]
        assert failed.result["decision"]["violations"][0]["resource"] == "memory"
        assert failed.message.startswith(f"Denied: project {vm_stack.project} may not use")
        assert "would fit" in failed.message
        assert vm_stack.domains() == set()
    assert vm_stack.world.usage(vm_stack.project) == {}


def test_previewed_never_changes_anything(vm_stack: Program) -> None:
    previewed = vm_stack.task(state="previewed", config=vm_stack.config("web")).require().task("task")
    assert (previewed.changed, previewed.result["pending"]) == (False, True)
    assert not vm_stack.config_file.exists()
    assert vm_stack.domains() == set()


def test_refreshed_shows_what_was_done_behind_its_back(vm_stack: Program) -> None:
    vm_stack.task(config=vm_stack.config("web")).require()
    uuid = vm_stack.world.domains()[f"{vm_stack.stack}-web"].uuid
    with connect(vm_stack.world.uri) as connection:
        set_tags(connection, uuid, {"role": "behind-its-back"})
    for arguments in (("--check", "--diff"), ("--diff",)):
        refreshed = vm_stack.task(*arguments, state="refreshed").require().task("task")
        assert refreshed.changed
        assert [each["name"] for each in refreshed.result["changes"]] == ["web"]
        assert "behind-its-back" in json.dumps(refreshed.diff)
    assert vm_stack.task(state="refreshed").require().changed == []


def test_absent_gives_everything_back(vm_stack: Program) -> None:
    vm_stack.task(config=vm_stack.config("web")).require()
    assert vm_stack.task("--check", state="absent").require().changed == ["task"]
    assert vm_stack.domains() == {"web"}
    assert vm_stack.task(state="absent").require().changed == ["task"]
    assert vm_stack.domains() == set()
    assert vm_stack.world.usage(vm_stack.project) == {}
    assert vm_stack.task(state="absent").require().changed == []
    assert vm_stack.task(state="absent", remove=True).require().changed == ["task"]
    assert vm_stack.task(state="absent", remove=True).require().changed == []


def test_errors_are_one_message_that_says_what_to_do(vm_stack: Program, tmp_path: Path) -> None:
    config = vm_stack.config("web")
    config["vm_stack:vms"]["web"]["memmory"] = "1GiB"
    failed = vm_stack.task(config=config).require_failure()
    assert "vms.web.memmory: unknown key; did you mean `memory`?" in failed.message
    assert "Traceback" not in failed.message
    assert "holds no Pulumi program" in vm_stack.task(project_dir=str(tmp_path)).require_failure().message
    missing = vm_stack.task(pulumi_executable="pulumi-of-nowhere").require_failure()
    assert "no pulumi-of-nowhere on this machine's PATH" in missing.message
    both = vm_stack.task(config={"a:b": "1"}, secrets={"a:b": "2"}).require_failure()
    assert "both in config and in secrets" in both.message


def test_recovered_after_a_lock_was_left_behind(vm_stack: Program) -> None:
    vm_stack.task(config=vm_stack.config("web")).require()
    locks = vm_stack.world.layout.backend / ".pulumi" / "locks" / "organization" / "vm_stack" / vm_stack.stack
    locks.mkdir(parents=True, exist_ok=True)
    lock = {"pid": 1, "username": "root", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}
    (locks / "dead.json").write_text(json.dumps(lock))
    locked = vm_stack.task(config=vm_stack.config("web")).require_failure()
    assert "`state: recovered` unlocks the stack" in locked.message
    skipped = vm_stack.task("--check", state="recovered").require().task("task")
    assert skipped.outcome == "skipped"
    vm_stack.task(state="recovered").require()
    assert vm_stack.task(config=vm_stack.config("web")).require().changed == []
