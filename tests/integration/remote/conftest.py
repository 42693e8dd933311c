"""A world whose VMs are on a host that is reached by SSH: another lab, with an SSH server in front."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.demo.layout import ROOT
from tests.lab.instance import instance
from tests.lab.lab import Lab
from tests.lab.postgres import BIN
from tests.lab.sshd import PROGRAM, SshServer
from tests.world.world import World, world


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[SshServer]:
    """The SSH server of the host; its `ssh` is the one that libvirt finds."""
    missing = [what for what in ("libvirtd", "qemu-img", "ip", PROGRAM) if shutil.which(what) is None]
    if os.geteuid() != 0 or missing or not BIN.is_dir():
        pytest.skip("needs root, and the lab's Debian packages with openssh-server: tests.lab packages")
    if not (ROOT / ".limen" / "toolchain" / "bin" / "pulumi").exists():
        pytest.skip("needs the Pulumi toolchain: make toolchain")
    lab = Lab(instance(f"r{secrets.token_hex(3)[:5]}"))
    with pytest.MonkeyPatch.context() as patch:
        try:
            lab.up(ledger=False)
            server = SshServer(lab.instance)
            server.up()
            patch.setenv("PATH", f"{server.client.parent}:{os.environ['PATH']}")
            yield server
        finally:
            lab.down(purge=True)


@pytest.fixture(scope="session")
def remote(elsewhere: SshServer) -> Iterator[World]:
    with world(elsewhere=elsewhere) as made:
        yield made


@pytest.fixture
def known_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty file of known hosts, of an `ssh` that goes by it."""
    known = tmp_path / "known_hosts"
    known.touch()
    client = tmp_path / "ssh"
    client.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F none -o UserKnownHostsFile={known} "$@"\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return known
