"""The commands that install a program's dependencies."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import InstallError
from .options import RuntimeOptions


@dataclass(frozen=True)
class Step:
    """One command, and the line that announces it."""

    title: str
    argv: tuple[str, ...]


def requirement_arguments(directory: Path) -> tuple[str, ...] | None:
    """What to install for the program in this folder; None: it declares nothing."""
    requirements = directory / "requirements.txt"
    if requirements.is_file():
        return ("-r", str(requirements))
    if (directory / "pyproject.toml").is_file():
        return ("-e", str(directory))
    return None


def steps(options: RuntimeOptions, python: Path, venv: Path | None, directory: Path) -> list[Step]:
    """The commands, in order.

    python: the interpreter to install into, or to make the virtual environment with.
    venv: the project's virtual environment, made where it is missing; None: install into `python`.
    Raises InstallError when the tool that is asked for is not there.
    """
    uv = None
    if options.toolchain == "uv":
        beside = python.parent / "uv"
        uv = str(beside) if beside.is_file() else shutil.which("uv")
        if uv is None:
            raise InstallError("runtime option 'toolchain' is uv, but there is no uv on PATH: install it")
    todo = []
    target = python
    if venv is not None:
        target = venv / "bin" / "python"
        if not target.exists():
            maker = (uv, "venv", "--python", str(python)) if uv else (str(python), "-m", "venv")
            todo.append(Step(f"Creating virtual environment {venv}", (*maker, str(venv))))
    arguments = requirement_arguments(directory)
    if arguments is not None:
        pip = (uv, "pip", "install", "--python", str(target)) if uv else (str(target), "-m", "pip", "install")
        todo.append(Step(f"Installing dependencies of {directory}", (*pip, *arguments)))
    return todo
