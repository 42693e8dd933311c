"""What is installed, and in which version. How to raise one: README.md in the folder above."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import ToolchainError

TOOLCHAIN = Path(__file__).resolve().parents[1]
REPOSITORY = TOOLCHAIN.parents[1]

# The plugin's version is that of the PyPI SDK pulumi-libvirt: the engine looks it up by that.
LIBVIRT_PLUGIN = "0.5.4"

# An installed CLI has to be at least as new as the Python SDK that pyproject.toml pins, since the SDK may use
# what an older engine lacks; engines serve older SDKs of the same major version.
CLI_BELOW = (4, 0, 0)


@dataclass(frozen=True)
class Component:
    """A Go module of ours and the program it builds.

    needs_go: the oldest Go that builds it, from its go.mod.
    """

    name: str
    title: str
    binary: str
    folder: Path
    needs_go: tuple[int, ...]
    version: str
    typical: str


def version_tuple(text: str) -> tuple[int, ...]:
    """`v3.250.0` or `go1.25.11` as numbers; what follows a dash or a plus is left out."""
    matched = re.search(r"\d+(?:\.\d+)*", text)
    if matched is None:
        raise ToolchainError(f"{text!r} is no version number")
    return tuple(int(part) for part in matched.group().split("."))


def _go_mod(folder: Path, pattern: str) -> str:
    matched = re.search(pattern, (folder / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if matched is None:
        raise ToolchainError(f"{folder / 'go.mod'} lacks a line like {pattern}")
    return matched.group(1)


def cli() -> Component:
    """The Pulumi CLI."""
    folder = TOOLCHAIN / "cli"
    return Component(
        name="cli",
        title="the Pulumi CLI",
        binary="pulumi",
        folder=folder,
        needs_go=version_tuple(_go_mod(folder, r"^go (\S+)")),
        version=_go_mod(folder, r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)"),
        typical="4 minutes on 2 cores",
    )


def libvirt_plugin() -> Component:
    """The plugin for libvirt."""
    folder = TOOLCHAIN / "libvirt-plugin"
    return Component(
        name="libvirt-plugin",
        title="the libvirt plugin",
        binary="pulumi-resource-libvirt",
        folder=folder,
        needs_go=version_tuple(_go_mod(folder, r"^go (\S+)")),
        version=LIBVIRT_PLUGIN,
        typical="2 minutes on 2 cores",
    )


def limen_version() -> str:
    """The version of this distribution, which is that of Limen's own plugin."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
