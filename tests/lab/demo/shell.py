"""Running commands for the main job: quiet ones for their output, long ones with their progress shown."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class StepFailed(Exception):
    """A command of the main job failed; the message holds the command and what it printed."""


def capture(argv: list[str], env: Mapping[str, str], cwd: Path | None = None) -> str:
    """Standard output of a command that must succeed.

    Raises StepFailed with the command's own words.
    """
    done = subprocess.run(
        argv,
        env={**os.environ, **env},
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise StepFailed(
            f"{' '.join(argv)} (exit code {done.returncode}):\n{(done.stderr + done.stdout).strip()}"
        )
    return done.stdout


def show(argv: list[str], env: Mapping[str, str], cwd: Path | None = None) -> None:
    """Run a command with its output on the terminal; raises StepFailed when it fails."""
    code = subprocess.run(
        argv, env={**os.environ, **env}, cwd=cwd, stdin=subprocess.DEVNULL, check=False
    ).returncode
    if code != 0:
        raise StepFailed(f"{' '.join(argv)} ended with exit code {code}")
