"""Which Python runs a program, and what that Python says about itself."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import InterpreterError
from .options import RuntimeOptions

HERE = Path(__file__).resolve().parent
INSPECT = HERE / "programs" / "inspect_environment.py"
INSPECT_TIMEOUT_S = 60


@dataclass(frozen=True)
class Environment:
    """What an interpreter has: its path and version, its packages, the plugins those ask for.

    packages: (name, version, is a dependency of another package) of each installed distribution.
    plugins: the content of each `pulumi-plugin.json` found.
    """

    executable: str
    version: str
    packages: tuple[tuple[str, str, bool], ...]
    plugins: tuple[Mapping[str, object], ...]


def virtualenv_dir(options: RuntimeOptions, root: Path) -> Path | None:
    """The folder of the project's own virtual environment, if it names one."""
    if options.virtualenv is None:
        return None
    return root / Path(options.virtualenv).expanduser()


def find_python(options: RuntimeOptions, root: Path, environ: Mapping[str, str]) -> Path:
    """The interpreter of a program.

    In this order: the project's option `virtualenv` (relative to `root`), LIMEN_PYTHON, VIRTUAL_ENV,
    and the interpreter the host itself runs in, which is the one the toolchain was installed with.
    Raises InterpreterError where the one that was named is not there.
    """
    venv = virtualenv_dir(options, root)
    if venv is None:
        return base_python(environ)
    return checked(
        venv / "bin" / "python",
        "run `pulumi install`, or correct runtime.options.virtualenv in Pulumi.yaml",
    )


def base_python(environ: Mapping[str, str]) -> Path:
    """The interpreter for a project without a virtual environment of its own. Raises InterpreterError."""
    if environ.get("LIMEN_PYTHON"):
        return checked(Path(environ["LIMEN_PYTHON"]), "correct or unset LIMEN_PYTHON")
    if environ.get("VIRTUAL_ENV"):
        return checked(Path(environ["VIRTUAL_ENV"]) / "bin" / "python", "correct or unset VIRTUAL_ENV")
    return Path(sys.executable)


def checked(python: Path, hint: str) -> Path:
    """The path, when something executable is there. Raises InterpreterError."""
    if not os.access(python, os.X_OK):
        raise InterpreterError(f"there is no Python at {python}: {hint}")
    return python


def inspect(python: Path) -> Environment:
    """Ask an interpreter for its version, packages and plugins. Raises InterpreterError."""
    try:
        done = subprocess.run(
            [str(python), str(INSPECT)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSPECT_TIMEOUT_S,
            check=True,
        )
        answer = json.loads(done.stdout)
    except subprocess.CalledProcessError as exc:
        raise InterpreterError(f"{python} could not list its packages: {exc.stderr.strip()}") from exc
    except (OSError, subprocess.TimeoutExpired, ValueError) as exc:
        raise InterpreterError(f"{python} could not list its packages: {exc}") from exc
    return Environment(
        executable=answer["executable"],
        version=answer["version"],
        packages=tuple((name, version, bool(needed)) for name, version, needed in answer["packages"]),
        plugins=tuple(answer["plugins"]),
    )
