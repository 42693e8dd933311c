"""An official Pulumi CLI that is on this machine already."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import PluginError, ToolchainError
from .pins import CLI_BELOW, LIBVIRT_PLUGIN, version_tuple
from .say import say

RECORD = "toolchain.json"
PLUGIN_TIMEOUT_S = 300


@dataclass(frozen=True)
class Official:
    """The folder of its programs, and its version."""

    folder: Path
    version: str


def cli_version(pulumi: Path, environ: Mapping[str, str]) -> str | None:
    """What `pulumi version` says, without the v; None when it says nothing."""
    environment = {**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [str(pulumi), "version"], capture_output=True, text=True, timeout=60, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().removeprefix("v") or None


def find_official(oldest: str, environ: Mapping[str, str]) -> Official | None:
    """The first `pulumi` on PATH, when it is official, brings its Python language host, and is
    `oldest` or newer, below CLI_BELOW.

    What an installer of Limen put there is passed over: it is known by the record beside its bin folder.
    """
    for entry in environ.get("PATH", "").split(os.pathsep):
        found = shutil.which("pulumi", path=entry) if entry else None
        if found is None:
            continue
        folder = Path(found).resolve().parent
        if (folder.parent / RECORD).exists():
            continue
        version = cli_version(Path(found), environ)
        reason = unsuitable(folder, version, oldest)
        if reason is None and version is not None:
            return Official(folder=folder, version=version)
        say(f"not using {found}: {reason}")
        return None
    return None


def unsuitable(folder: Path, version: str | None, oldest: str) -> str | None:
    """Why a CLI can't be used; None: it can."""
    if version is None:
        return "it does not say its version"
    below = ".".join(str(part) for part in CLI_BELOW)
    try:
        suitable = version_tuple(oldest) <= version_tuple(version) < CLI_BELOW
    except ToolchainError:
        suitable = False
    if not suitable:
        return f"it is version {version}, and {oldest} or newer, below {below}, is needed"
    if not (folder / "pulumi-language-python").exists():
        return "it comes without pulumi-language-python"
    return None


def install_plugin(official: Official, pulumi_home: Path, environ: Mapping[str, str]) -> None:
    """Have the CLI install the official libvirt plugin into PULUMI_HOME. Raises PluginError."""
    environment = {**environ, "PULUMI_HOME": str(pulumi_home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    # --print-env has set this for people's shells, where it would refuse the plugin.
    environment.pop("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", None)
    argv = [str(official.folder / "pulumi"), "plugin", "install", "resource", "libvirt", f"v{LIBVIRT_PLUGIN}"]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=PLUGIN_TIMEOUT_S, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise PluginError(f"`{' '.join(argv)}` did not work: {exc}") from exc
    if done.returncode != 0:
        raise PluginError(f"`{' '.join(argv)}` failed: {done.stderr.strip()}")
