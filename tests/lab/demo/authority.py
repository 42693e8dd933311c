"""The authority of the main job: migrated database, tokens, limen-api on loopback, the host, project and limits."""

import json
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from tests.lab.demo.layout import Layout
from tests.lab.demo.shell import StepFailed, capture

PROJECT = "demo"
# Two VMs of 512 MiB and one vCPU with 4 GiB disks, a data disk of 1 GiB, one network: Pulumi.dev.yaml just fits.
LIMITS = {"vms": "2", "vcpus": "2", "memory": "1GiB", "disk": "9GiB", "networks": "1"}
ADMINISTRATOR = "administrator"
OPERATOR = "developer"
ADMINISTRATOR_SCOPES = ("admin",)
OPERATOR_SCOPES = ("quota:check", "quota:read", "claims:write")
TOKEN_TTL = "12h"


def free_port() -> int:
    """A loopback port that nothing listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def new_secret(path: Path) -> None:
    """Write a fresh secret to a file that only its owner reads, unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
