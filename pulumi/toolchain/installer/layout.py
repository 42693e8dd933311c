"""Where the parts go: PREFIX/bin, PREFIX/lib and PULUMI_HOME/plugins."""

import contextlib
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from .pins import TOOLCHAIN

HOST = "language_host"
# Run by name and not as a file, so that nothing but the host's folder is added to the path.
HOST_MAIN = f"import sys; sys.path.insert(0, sys.argv.pop(1)); from {HOST}.__main__ import main; main()"


def replace(target: Path, content: bytes, mode: int) -> None:
    """Write a file so that whoever reads it sees the old or the new content, never half."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_file() and target.read_bytes() == content and target.stat().st_mode & 0o777 == mode:
        return
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def place(source: Path, target: Path) -> None:
    """Put a binary in its place: a hard link, or a copy where the cache is on another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.samefile(source):
        return
    part = target.parent / f".{target.name}.{os.getpid()}"
    try:
        try:
            os.link(source, part)
        except OSError:
            shutil.copy2(source, part)
        os.replace(part, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def launcher(*argv: str) -> bytes:
    """A shell script that becomes the given command with the script's own arguments."""
    return f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n'.encode()


def install_language_host(prefix: Path, python: Path, final: Path | None = None) -> None:
    """The Python language host, beside the CLI: anywhere else the CLI warns about it on every run.

    `final` is where `prefix` will be, when it is packed for another machine.
    """
    source, target = TOOLCHAIN / HOST, prefix / "lib" / HOST
    wanted = {path.relative_to(source) for path in source.rglob("*.py")}
    for relative in wanted:
        replace(target / relative, (source / relative).read_bytes(), 0o644)
    for path in target.rglob("*.py"):
        if path.relative_to(target) not in wanted:
            path.unlink()
    command = (str(python), "-P", "-c", HOST_MAIN, str((final or prefix) / "lib"))
    replace(prefix / "bin" / "pulumi-language-python", launcher(*command), 0o755)


def plugin_path(pulumi_home: Path, name: str, version: str) -> Path:
    """Where the CLI looks for a plugin. No PulumiPlugin.yaml beside it: that would break discovery."""
    return pulumi_home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"


def install_limen_plugin(pulumi_home: Path, python: Path, version: str) -> None:
    """Limen's own plugin: a launcher, since it is a part of the distribution in the virtual environment."""
    # -P: the engine starts it in the program's folder, whose modules are not the plugin's.
    command = (str(python), "-P", "-m", "limen_provider")
    replace(plugin_path(pulumi_home, "limen", version), launcher(*command), 0o755)
