"""The commands of a pipeline file, and running them as its runner would: in order, with its environment."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.demo.layout import ROOT

CI = ROOT / "docs" / "ci"
_EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
_SECONDS = 600


@dataclass(frozen=True)
class Ran:
    """One script: its step's name, exit code and everything it printed."""

    name: str
    code: int
    output: str


def github(name: str) -> dict[str, Any]:
    """A workflow of GitHub, as values. YAML takes its key `on` for true."""
    document: dict[str, Any] = yaml.safe_load((CI / "github" / name).read_text())
    return document


def gitlab() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((CI / "gitlab" / ".gitlab-ci.yml").read_text())
    return document


def run(script: str, name: str, folder: Path, environment: Mapping[str, str], *options: str) -> Ran:
    """The script by bash with these options, as both products run one."""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", *options, "-c", script],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return Ran(name, done.returncode, done.stdout)


class Github:
    """A repository on GitHub with a runner: `uploads` is where its artifacts lie, one folder each."""

    def __init__(self, project: Path, work: Path) -> None:
        self.project, self.work, self.uploads = project, work, work / "uploads"
        self.uploads.mkdir()

    def job(self, file: str, environment: Mapping[str, str], context: Mapping[str, str]) -> list[Ran]:
        """Run the one job of a workflow; `context` has the values of its expressions.

        Actions are GitHub's own. Of these only the upload is done, by a copy: what is uploaded must be there.
        """
        workflow = github(file)
        ((_, job),) = workflow["jobs"].items()
        temporary = self.work / f"temp-{len(list(self.work.iterdir()))}"
        temporary.mkdir()
        known = {**context, "runner.temp": str(temporary)}
        settings = {**workflow.get("env", {}), **job.get("env", {})}
        known |= {f"env.{name}": str(value) for name, value in settings.items()}
        ran: list[Ran] = []
        for step in job["steps"]:
            failed = any(each.code for each in ran)
            if failed and step.get("if") != "always()":
                continue
            if step.get("uses", "").startswith("actions/upload-artifact"):
                given = {name: _filled(str(value), known) for name, value in step["with"].items()}
                self._upload(given["name"], Path(given["path"]))
            if "run" in step:
                values = {**settings, **step.get("env", {})}
                own = {name: _filled(str(value), known) for name, value in values.items()}
                whole = {**environment, **own, "RUNNER_TEMP": str(temporary), "GITHUB_REPOSITORY": "acme/vms"}
                ran.append(run(step["run"], step["name"], self.project, whole, "-e"))
        return ran

    def _upload(self, name: str, path: Path) -> None:
        target = self.uploads / name
        target.mkdir(exist_ok=True)
        for file in [path] if path.is_file() else path.iterdir():
            (target / file.name).write_bytes(file.read_bytes())


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: known[found.group(1)], text)
