"""The pipelines of docs/ci: their commands, taken out of the files and run in order in a small project.

GitHub, GitLab and their runners cannot be had here: see `stand_ins`. All else is real: engine, plugins, host,
limen-api, reports.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.workflows import stand_ins
from tests.integration.workflows.reading import CI, Github, Ran, github, gitlab, run
from tests.lab.demo.layout import ROOT
from tests.world import guests, runners
from tests.world.stack import Stack
from tests.world.world import World

# Each runs the engine several times.
pytestmark = pytest.mark.timeout(1200)
FILES = sorted(path.name for path in (CI / "github").glob("*.yml"))
PROJECT_TEST = """\
from pathlib import Path

import yaml


def test_the_stack_is_charged_to_demo() -> None:
    config = yaml.safe_load(Path("Pulumi.dev.yaml").read_text())["config"]
    assert config["limen:project"] == "demo"
"""
CONTEXT = {
    "github.token": "a token of the job",
    "github.event.workflow_run.id": "77",
    "github.event.workflow_run.head_sha": "0" * 40,
}


@dataclass(frozen=True)
class Project:
    """A repository with a stack `dev`, and the environments of the two runners."""

    stack: Stack
    world: World
    work: Path
    strangers: Mapping[str, str]
    operators: Mapping[str, str]

    def configure(self, **vm: Any) -> None:
        self.stack.configure(self.world.document({"web": guests.vm(**vm)}))


@pytest.fixture(scope="module")
def project(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    work = tmp_path_factory.mktemp("pipelines")
    stack = world.stack("dev")
    (stack.folder / "test_configuration.py").write_text(PROJECT_TEST)
    (stack.folder / ".yamllint.yml").write_text("extends: relaxed\nrules: {line-length: disable}\n")
    path = f"{stand_ins.programs(work / 'bin', work)}:{world.environment['PATH']}"
    common = {"PATH": path, "LIMEN_POLICY_PACK": str(ROOT / "pulumi" / "policy")}
    strangers = {**runners.for_strangers(world, work / "token"), **common}
    made = Project(stack, world, work, strangers, {**world.environment, **common})
    made.configure()
    yield made
    stack.seconds = 600.0
    stack.destroy().require()


@pytest.fixture(scope="module")
def repository(project: Project) -> Github:
    """The repository on GitHub, after its first `limen-up.yml`."""
    made = Github(project.stack.folder, project.work)
    passed(made.job("limen-up.yml", project.operators, CONTEXT))
    assert (made.uploads / "limen-state-dev" / "state.json").is_file()
    return made


def passed(ran: list[Ran]) -> list[Ran]:
    for each in ran:
        assert each.code == 0, f"{each.name}: exit code {each.code}\n{each.output}"
    return ran


@pytest.mark.parametrize("name", FILES)
def test_commands_hold_nothing_that_a_stranger_can_write(name: str) -> None:
    """Expressions are put into a script as text, before a shell reads it: they belong into `env`."""
    for job in github(name)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), f"{name}: {step['name']}"


def test_only_the_comment_may_write_and_it_runs_nothing_of_the_pull_request() -> None:
    rights = {name: github(name)["permissions"] for name in FILES}
    assert [name for name, each in rights.items() if "write" in each.values()] == ["limen-comment.yml"]
    # `pull_request_target` would run with the rights of the default branch what a stranger wrote.
    assert github("limen-comment.yml")[True] == {
        "workflow_run": {"workflows": ["limen-preview"], "types": ["completed"]}
    }
    steps = [step for step in github("limen-comment.yml")["jobs"]["comment"]["steps"] if "uses" in step]
    assert all("ref" not in step.get("with", {}) for step in steps)


def test_an_up_is_never_cut_off() -> None:
    assert github("limen-up.yml")["concurrency"] == {"group": "limen-up", "cancel-in-progress": False}
    up = gitlab()["up"]
    assert (up["resource_group"], up["interruptible"]) == ("limen-dev", False)


def test_the_checks_of_a_pull_request(project: Project, repository: Github) -> None:
    passed(repository.job("limen-checks.yml", project.operators, CONTEXT))
    assert "ruff yamllint pytest" in (project.work / "pip").read_text()


def test_a_pull_request_that_fits_gets_a_comment(project: Project, repository: Github) -> None:
    project.configure(memory="96MiB")
    passed(repository.job("limen-preview.yml", project.strangers, CONTEXT))
    passed(repository.job("limen-comment.yml", project.strangers, CONTEXT))
    posted = stand_ins.calls(project.work)[-1]
    assert "POST" in posted["arguments"]
    assert "repos/acme/vms/issues/12/comments" in posted["arguments"]
    assert posted["body"].startswith("<!-- limen:preview-report vm_stack/dev")
    assert "with a restart of the guest" in posted["body"]


def test_a_denied_pull_request_fails_and_has_its_comment_brought_up_to_date(
    project: Project, repository: Github
) -> None:
    stand_ins.comment_is_there(project.work)
    project.configure(memory="512MiB")
    *_, report = repository.job("limen-preview.yml", project.strangers, CONTEXT)
    assert (report.name, report.code) == ("report", 3), report.output
    assert re.search(r"^::error .*quota", report.output, re.MULTILINE), report.output
    passed(repository.job("limen-comment.yml", project.strangers, CONTEXT))
    updated = stand_ins.calls(project.work)[-1]
    assert "PATCH" in updated["arguments"]
    assert "repos/acme/vms/issues/comments/501" in updated["arguments"]
    assert "may not use 448MiB more memory" in updated["body"]
    assert project.world.domains()["dev-web"].memory == 64 * 2**20


def test_gitlab_from_up_to_the_note(project: Project) -> None:
    document = gitlab()
    folder = project.stack.folder

    def job(name: str, environment: Mapping[str, str], part: str = "script") -> Ran:
        variables = {name: str(value) for name, value in document["variables"].items()}
        script = "\n".join(document[name][part])
        return run(script, name, folder, {**environment, **variables, **served}, "-eo", "pipefail")

    with stand_ins.gitlab() as server:
        served = {
            "CI_API_V4_URL": server.url,
            "CI_PROJECT_ID": "5",
            "CI_PROJECT_DIR": str(folder),
            "CI_MERGE_REQUEST_IID": "12",
            "CI_DEFAULT_BRANCH": "main",
            "CI_JOB_TOKEN": "job-token",
            "LIMEN_NOTE_TOKEN": "note-token",
        }
        project.configure()
        passed([job("checks", project.operators)])
        passed([job("up", project.operators), job("up", project.operators, "after_script")])
        (state,) = document["up"]["artifacts"]["paths"]
        server.artifacts[state] = (folder / state).read_bytes()
        (folder / state).unlink()

        project.configure(memory="96MiB")
        passed([job("preview", project.strangers), job("note", project.strangers)])
        assert (folder / document["preview"]["artifacts"]["reports"]["junit"]).read_text().startswith("<?xml")
        project.configure(memory="512MiB")
        denied = job("preview", project.strangers)
        assert denied.code == 3, denied.output
        passed([job("note", project.strangers)])
        (note,) = server.notes
        assert "may not use 448MiB more memory" in note["body"]
        tokens = {(headers.get("JOB-TOKEN"), headers.get("PRIVATE-TOKEN")) for _, _, headers in server.seen}
        assert tokens == {("job-token", None), (None, "note-token")}
    left = {path.name for path in folder.parent.iterdir()} - {folder.name}
    assert not [name for name in left if name.endswith(".header")], os.fspath(folder.parent)
