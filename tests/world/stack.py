"""A Pulumi stack driven by configuration that a test writes, in a copy of its program."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SECONDS = 240.0


@dataclass(frozen=True)
class Outcome:
    """What a command came to: exit code, everything it printed, seconds."""

    code: int
    output: str
    seconds: float

    def require(self) -> "Outcome":
        """Itself, if it succeeded; raises AssertionError with the output."""
        assert self.code == 0, f"exit code {self.code}:\n{self.output}"
        return self


class Stack:
    """One stack of `program`, copied to `folder` so that Git sees nothing of its configuration.

    `seconds` is how long a command may take; more is needed where guests boot.
    """

    seconds = SECONDS

    def __init__(self, name: str, program: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.name, self.folder, self.environment = name, folder, dict(environment)
        self.program = yaml.safe_load((program / "Pulumi.yaml").read_text())["name"]
        shutil.copytree(program, folder, ignore=shutil.ignore_patterns("Pulumi.*.yaml", "__pycache__"))
        self.pulumi("stack", "init", name).require()

    @property
    def config_file(self) -> Path:
        return self.folder / f"Pulumi.{self.name}.yaml"

    def configure(self, document: Mapping[str, Any], project: str = "demo") -> None:
        """Replace the stack's configuration; what Pulumi keeps in the file beside it stays."""
        kept = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        settings = {"limen:project": project}
        settings |= {f"{self.program}:{section}": entries for section, entries in document.items()}
        self.config_file.write_text(yaml.safe_dump({**kept, "config": settings}, sort_keys=False))

    def pulumi(self, *arguments: str) -> Outcome:
        """Run `pulumi` in the stack's folder; when its time is up it is killed with all that it started."""
        started = time.monotonic()
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            output += f"\n(killed after {self.seconds:.0f} s)"
        return Outcome(process.returncode, output, time.monotonic() - started)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `pulumi` in a session of its own, both its outputs in one pipe."""
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def preview(self, *options: str) -> Outcome:
        return self.pulumi("preview", "--stack", self.name, *options)

    def up(self, *options: str) -> Outcome:
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", self.name, *options)

    def refresh(self, *options: str) -> Outcome:
        return self.pulumi("refresh", "--yes", "--skip-preview", "--stack", self.name, *options)

    def destroy(self, *options: str) -> Outcome:
        return self.pulumi("destroy", "--yes", "--skip-preview", "--stack", self.name, *options)

    def resources(self) -> list[dict[str, Any]]:
        """What the state holds."""
        printed = self.pulumi("stack", "export", "--stack", self.name).require().output
        deployment: dict[str, Any] = json.loads(printed)["deployment"]
        found: list[dict[str, Any]] = deployment.get("resources") or []
        return found

    def urn(self, kind: str, name: str) -> str:
        """The URN of one resource in the state, by its type's last part and its logical name."""
        found = [
            each["urn"]
            for each in self.resources()
            if each["type"].rpartition(":")[2] == kind and each["urn"].rpartition("::")[2] == name
        ]
        assert len(found) == 1, f"{kind} {name}: {found}"
        return str(found[0])
