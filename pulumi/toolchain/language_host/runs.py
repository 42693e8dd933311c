"""One run of a program: its command, its description on standard input, and what its exit code means."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .interpreter import HERE
from .programs.run_program import REPORTED

RUN_PROGRAM = HERE / "programs" / "run_program.py"


def program_argv(python: Path) -> list[str]:
    """The command line; it says nothing about the run, since it is for everyone to see."""
    return [str(python), str(RUN_PROGRAM)]


def program_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The program's environment: the host's, and output as it is printed rather than at the end."""
    return {"PYTHONUNBUFFERED": "1", **environ}


def run_description(request: Any, engine: str) -> str:
    """The RunRequest message as the one line of JSON that programs/run_program.py reads."""
    return json.dumps(
        {
            "monitor": request.monitor_address,
            "engine": engine,
            "project": request.project,
            "stack": request.stack,
            # The file backend has no organizations; this is what Pulumi calls its only one.
            "organization": request.organization or "organization",
            "dry_run": request.dryRun,
            "parallel": request.parallel,
            "config": dict(request.config),
            "config_secret_keys": list(request.configSecretKeys),
            "root_directory": request.info.root_directory,
            "program_directory": request.info.program_directory,
            "entry_point": request.info.entry_point,
            "args": list(request.args),
        }
    )


def outcome(code: int) -> tuple[str, bool]:
    """(error, bail) of the answer to the engine; bail: the person has been told already."""
    if code == 0:
        return "", False
    if code == REPORTED:
        return "", True
    if code < 0:
        return f"Program was ended by {signal.Signals(-code).name}", False
    return f"Program exited with non-zero exit code: {code}", False
