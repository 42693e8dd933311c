"""What runs, what it is charged, what is left, and how to reach it: the end of `make up`."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.lab.demo.authority import PROJECT, Authority
from tests.lab.demo.layout import ROOT, Layout
from tests.lab.demo.shell import StepFailed, capture


def machines(env: Mapping[str, str], stack: str, program: Path) -> dict[str, Any]:
    """The output `vms` of the stack: name -> {address, uuid, ...}."""
    text = capture(
        ["pulumi", "stack", "output", "vms", "--json", "--stack", stack, "--non-interactive"], env, program
    )
    found: dict[str, Any] = json.loads(text)
    return found


def ssh_command(machine: Mapping[str, Any], env: Mapping[str, str]) -> list[str]:
    """How to reach one VM; through the lab's namespace or the host, where its network is."""
    return ["ssh", "-F", env["LIMEN_SSH_CONFIG"], f"{machine['user']}@{machine['address']}"]


def wait_for_ssh(machine: Mapping[str, Any], env: Mapping[str, str], seconds: float = 180) -> None:
    """Wait until a command runs in the VM over SSH; raises StepFailed with ssh's last words."""
    deadline = time.monotonic() + seconds
    argv = [*ssh_command(machine, env), "true"]
    argv[1:1] = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
    while True:
        done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise StepFailed(f"no SSH at {machine['address']} after {seconds:.0f} s: {done.stderr.strip()}")
        time.sleep(1)


def summary(found: Mapping[str, Any], layout: Layout, limen: Authority, env: Mapping[str, str]) -> str:
    """The text that `make up` ends with."""
    lines = ["", f"{len(found)} VMs run, charged to project {PROJECT}:", ""]
    for name, machine in found.items():
        lines.append(f"  {name}: {' '.join(ssh_command(machine, env))}")
    lines += ["", limen.limen("quota", "show", PROJECT).rstrip(), ""]
    program = ROOT / "pulumi" / "programs" / "vm_stack"
    lines += [
        "To go on by hand:",
        f"  . {layout.env_file.relative_to(ROOT)}",
        f"  cd {program.relative_to(ROOT)} && pulumi preview",
        "To see a stack that does not fit refused:",
        "  VM_MEMORY=2GiB pulumi preview",
    ]
    return "\n".join(lines)
