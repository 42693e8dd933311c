"""The Pulumi CLI as our commands run it: it asks nothing, and its words are kept out of ours."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

_LAST_WORDS = 2000


class PulumiFailed(Exception):
    """It ended with another exit code than 0; the text is what it said last."""


def run_pulumi(
    folder: Path, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
) -> str:
    """Standard output of `pulumi ARGUMENTS` in the program's folder, by default in our environment.

    Raises `PulumiFailed`, and OSError where it cannot be started.
    """
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PulumiFailed((done.stderr.strip() or done.stdout.strip())[-_LAST_WORDS:])
    return done.stdout
