# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs the Pulumi CLI: secrets by standard input and environment, never as arguments; errors as ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import typing as t
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput, LimenError

GRACE_SECONDS = 60.0
"""How long the engine may take to end what it has begun, once it was told to stop."""

_TAKE_CONFIG_FILE = ("config", "preview", "up", "refresh", "destroy")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class PulumiFailed(LimenError):
    """The CLI ended with an error; the message is what it said."""


@dataclass(frozen=True)
class Ended:
    """A command that ended; `late` says that it was stopped since its time was over."""

    code: int
    output: str
    errors: str
    late: bool = False


class Pulumi:
    """The CLI for one program's folder and stack. `environment` is the whole environment of the commands."""

    def __init__(
        self,
        executable: str,
        folder: str,
        stack: str,
        environment: t.Mapping[str, str],
        config_file: str = "",
    ) -> None:
        self.folder, self.stack, self.config_file = folder, stack, config_file
        self._executable = _found(executable, environment)
        self.environment = {
            **environment,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # What Pulumi's own Automation API sets to be given the engine's events as a file.
            "PULUMI_DEBUG_COMMANDS": "true",
        }
        if not any(os.path.isfile(os.path.join(folder, f"Pulumi.{suffix}")) for suffix in ("yaml", "yml")):
            raise InvalidInput(f"{folder} holds no Pulumi program: name the folder of its Pulumi.yaml.")

    def elsewhere(self, config_file: str, backend_url: str = "") -> Pulumi:
        """The same with another configuration file, and another backend if one is given."""
        environment = {**self.environment, **({"PULUMI_BACKEND_URL": backend_url} if backend_url else {})}
        return Pulumi(self._executable, self.folder, self.stack, environment, config_file)

    def start(
        self,
        *arguments: str,
        stdin: str | None = None,
        seconds: float | None = None,
        environment: t.Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Ended:
        """Run a command; after `seconds` it is told to stop and waited for."""
        argv = [self._executable, *arguments, "--stack", self.stack, "--non-interactive", "--color", "never"]
        if self.config_file and arguments[0] in _TAKE_CONFIG_FILE:
            argv += ["--config-file", self.config_file]
        process = subprocess.Popen(
            argv,
            cwd=cwd or self.folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        late = False
        try:
            output, errors = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            late = True
            process.send_signal(signal.SIGINT)
            try:
                output, errors = process.communicate(timeout=GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                output, errors = process.communicate()
        return Ended(process.returncode, output, errors, late)

    def run(self, *arguments: str, stdin: str | None = None, cwd: str | None = None) -> str:
        """Standard output of a command that must succeed; raises PulumiFailed."""
        ended = self.start(*arguments, stdin=stdin, cwd=cwd)
        if ended.code != 0:
            raise PulumiFailed(f"`pulumi {' '.join(arguments[:2])}` failed: {words(ended)}")
        return ended.output

    def json(self, *arguments: str) -> t.Any:
        """The JSON that a command prints."""
        return json.loads(self.run(*arguments, "--json"))

    def program(self) -> str:
        """The program's name, by its Pulumi.yaml: of a file of YAML, the one line that is needed."""
        for suffix in ("yaml", "yml"):
            path = os.path.join(self.folder, f"Pulumi.{suffix}")
            if os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    found = re.search(
                        r"^[\"']?name[\"']?:\s*[\"']?([A-Za-z0-9_.-]+)", file.read(), re.MULTILINE
                    )
                if found:
                    return found[1]
        raise InvalidInput(f"The Pulumi program in {self.folder} has no name in its Pulumi.yaml.")

    def exists(self) -> bool:
        """Whether the backend knows the stack; raises PulumiFailed where the backend can't be asked."""
        ended = self.start("stack", "export")
        if ended.code == 0:
            return True
        if "no stack named" in ended.errors:
            return False
        raise PulumiFailed(f"The stack {self.stack} can't be looked up: {words(ended)}")


def words(ended: Ended) -> str:
    """What the CLI said went wrong, on one line."""
    text = _COLOURS.sub("", ended.errors.strip() or ended.output.strip()) or f"exit code {ended.code}"
    return " ".join(text.removeprefix("error: ").split())


def _found(executable: str, environment: t.Mapping[str, str]) -> str:
    found = shutil.which(executable, path=environment.get("PATH"))
    if found is None:
        raise InvalidInput(
            f"There is no {executable} on this machine's PATH: install the Pulumi CLI (role `pulumi`), set "
            "pulumi_executable, or load the env file first, `. .limen/env`."
        )
    return found
