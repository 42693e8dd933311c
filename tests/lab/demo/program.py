"""The Pulumi side of the main job: the env file, the stack, `pulumi up` and `pulumi destroy`."""

import functools
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.lab.demo.layout import ROOT, Layout
from tests.lab.demo.shell import StepFailed, capture, show

PROGRAM = ROOT / "pulumi" / "programs" / "vm_stack"
STACK = "dev"


@functools.cache
def toolchain_variables(prefix: Path) -> Mapping[str, str]:
    """What the toolchain says a shell needs to use it; PATH ends with the shell's own, `$PATH`."""
    argv = [sys.executable, "pulumi/toolchain/install.py", "--prefix", str(prefix), "--print-env"]
    return dict(line.split("=", 1) for line in capture(argv, {}, ROOT).splitlines())


def pulumi_variables(layout: Layout) -> dict[str, str]:
    """What a hand-typed `pulumi` needs: the toolchain's variables, the file backend, its passphrase."""
    named = {name: value for name, value in toolchain_variables(layout.toolchain).items() if name != "PATH"}
    return {
        **named,
        "PULUMI_BACKEND_URL": f"file://{layout.backend}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(layout.passphrase),
    }


def path_value(layout: Layout) -> str:
    """The folders that go in front of PATH: pulumi and its language host, limen, python."""
    return toolchain_variables(layout.toolchain)["PATH"].removesuffix(":$PATH")


def write_env_file(layout: Layout, variables: Mapping[str, str]) -> None:
    """Write `.limen/env`: shell lines to be loaded with `. .limen/env`; no secret stands in it."""
    lines = [f"export PATH={shlex.quote(path_value(layout))}:$PATH"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    text = "# Made by `make up`; load it with:  . .limen/env\n" + "\n".join(lines) + "\n"
    if not layout.env_file.exists() or layout.env_file.read_text() != text:
        layout.env_file.write_text(text)


def read_env_file(layout: Layout) -> dict[str, str]:
    """What `.limen/env` exports but for PATH; empty where there is none."""
    lines = layout.env_file.read_text().splitlines() if layout.env_file.exists() else []
    words = [shlex.split(line) for line in lines if line.startswith("export ")]
    found = dict(pair.split("=", 1) for _, pair in words)
    return {name: value for name, value in found.items() if name != "PATH"}


def ensure_ssh_key(key: Path) -> None:
    """An SSH key of the main job's own, made once."""
    if not key.exists():
        key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        capture(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "limen", "-f", str(key)], {})


def ensure_stack(layout: Layout, env: Mapping[str, str], stack: str = STACK, program: Path = PROGRAM) -> None:
    """Select the stack, making it (and the file backend) when there is none."""
    layout.backend.mkdir(parents=True, exist_ok=True)
    capture(["pulumi", "stack", "select", "--create", "--stack", stack, "--non-interactive"], env, program)


def up(env: Mapping[str, str], stack: str = STACK, program: Path = PROGRAM) -> None:
    """`pulumi up` with its progress shown; raises StepFailed when it is refused or fails."""
    show(
        ["pulumi", "up", "--yes", "--stack", stack, "--non-interactive", "--suppress-outputs"],
        env,
        program,
    )


def destroy(env: Mapping[str, str], stack: str = STACK, program: Path = PROGRAM) -> None:
    """`pulumi destroy`, then remove the stack from the backend."""
    show(["pulumi", "destroy", "--yes", "--stack", stack, "--non-interactive"], env, program)
    capture(
        ["pulumi", "stack", "rm", "--yes", "--preserve-config", "--stack", stack, "--non-interactive"],
        env,
        program,
    )


def without_salt(text: str) -> str:
    """A stack's configuration without the line that Pulumi adds when it makes the stack."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("encryptionsalt:"))


def ensure_config(program: Path = PROGRAM, stack: str = STACK) -> bool:
    """The stack's configuration, a copy of the shipped one where there is none; whether it is as shipped.

    Pulumi writes into it, so it is no file of Git's.
    """
    config, shipped = config_files(program, stack)
    if not config.exists():
        draft = config.with_suffix(".draft")
        draft.write_text(shipped.read_text())
        draft.replace(config)
    return without_salt(config.read_text()) == shipped.read_text()


def forget_config(program: Path = PROGRAM, stack: str = STACK) -> None:
    """Take the stack's configuration away if it is as shipped; what somebody edited loses its salt alone."""
    config, _ = config_files(program, stack)
    if not config.exists():
        return
    if ensure_config(program, stack):
        config.unlink()
    elif (text := config.read_text()) != (kept := without_salt(text)):
        config.write_text(kept)


def config_files(program: Path, stack: str) -> tuple[Path, Path]:
    """Where the stack's configuration stands, and the one that is shipped."""
    config = program / f"Pulumi.{stack}.yaml"
    return config, config.with_name(f"{config.name}.example")


def exists(env: Mapping[str, str], stack: str = STACK, program: Path = PROGRAM) -> bool:
    """Whether the backend knows the stack."""
    try:
        capture(["pulumi", "stack", "export", "--stack", stack, "--non-interactive"], env, program)
    except StepFailed:
        return False
    return True
