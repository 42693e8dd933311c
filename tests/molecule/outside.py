"""For the tests of roles: the guest as the outside meets it, and the role once more."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LAB = os.environ.get("LIMEN_GUEST_LAB", "roles")
SSH_CONFIG = Path("/var/lib/limen-lab", LAB, "guests/ssh_config")


def outside(*command: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command on the hypervisor's side of the guests' network."""
    return subprocess.run(
        ["ip", "netns", "exec", f"limen-{LAB}", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


def ssh(guest: str, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command in the guest over a new SSH connection."""
    return subprocess.run(
        ["ssh", "-F", str(SSH_CONFIG), "-o", "ControlPath=none", *options, guest, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def converge(role: str, *tags: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run the scenario's converge.yml again: these tags of it (all if none), with other variables."""
    options = [f"--tags={','.join(tags)}"] if tags else []
    return subprocess.run(
        [
            *("ansible-playbook", "--inventory", os.environ["MOLECULE_INVENTORY_FILE"], *options),
            *("--extra-vars", json.dumps(variables)),
            str(ROOT / "roles" / role / "molecule/default/converge.yml"),
        ],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


def words(done: subprocess.CompletedProcess[str]) -> str:
    """What it printed as one line, for Ansible breaks sentences where a line is full."""
    return " ".join(done.stdout.split())
