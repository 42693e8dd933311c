"""How a plugin that is written in Python is started."""

import tomllib
from pathlib import Path

from .errors import HostError


def plugin_argv(kind: str, python: Path, directory: Path, args: list[str]) -> list[str]:
    """The command line of the plugin in `directory`.

    kind: the engine's word for it: `analyzer` is a policy pack, anything else a plugin.
    args: what the engine passes on, its own address last.
    Raises HostError when there is nothing to run in the folder.
    """
    # -u: the engine waits for the port number, the first line that the plugin prints.
    start = [str(python), "-u"]
    if kind == "analyzer":
        return [*start, "-m", "pulumi.policy", *args, str(directory)]
    if (directory / "__main__.py").is_file():
        return [*start, str(directory), *args]
    return [*start, "-m", "pulumi.run.plugin", package_name(directory), *args]


def package_name(directory: Path) -> str:
    """The name of the distribution in this folder. Raises HostError when it declares none."""
    project = directory / "pyproject.toml"
    try:
        name = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["name"]
    except FileNotFoundError as exc:
        raise HostError(
            f"{directory} is no Python plugin: it has no __main__.py and no pyproject.toml"
        ) from exc
    except (KeyError, tomllib.TOMLDecodeError) as exc:
        raise HostError(f"{project} names no project, so its plugin can't be started") from exc
    return str(name)
