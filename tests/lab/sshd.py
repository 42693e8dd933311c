"""An SSH server in a lab's namespaces: a host somewhere else, as far as `qemu+ssh://` is concerned.

It listens in the namespace alone, with keys of its own, and sees the lab's libvirt where an
ordinary host has it. What reaches it reaches the guests of the lab's NAT networks.
"""

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab import libvirtd, netns, processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance

PORT = 2222
REAL = "/usr/bin/ssh"
PROGRAM = "/usr/sbin/sshd"  # wants to be called by its full path
CONFIGURATION = """\
Port {port}
HostKey {host_key}
AuthorizedKeysFile {user_key}.pub
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
"""


@dataclass(frozen=True)
class SshServer:
    """The SSH server of one lab, which root may log in to with `user_key`."""

    lab: Instance

    @property
    def folder(self) -> Path:
        return self.lab.state / "sshd"

    @property
    def host_key(self) -> Path:
        return self.folder / "host_key"

    @property
    def user_key(self) -> Path:
        return self.folder / "user_key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def client(self) -> Path:
        """An `ssh` that knows this host and nothing of the configuration of who runs it: for PATH."""
        return self.folder / "bin" / "ssh"

    @property
    def address(self) -> str:
        return str(netns.addresses(self.lab)[1].ip)

    @property
    def uri(self) -> str:
        """What leads to the lab's libvirt, with `client` first on PATH; the plugin goes by `knownhosts`."""
        parameters = f"keyfile={self.user_key}&knownhosts={self.known_hosts}"
        return f"qemu+ssh://root@{self.address}:{PORT}/system?{parameters}"

    def running(self) -> list[processes.Process]:
        """The server and its sessions."""
        return [process for process in libvirtd.members(self.lab) if process.name == "sshd"]

    def up(self) -> None:
        """Start the server unless it runs; raises LabError with its last words."""
        if self.running():
            return
        self.configure()
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists; it is systemd that makes it
        argv = [PROGRAM, "-f", str(self.folder / "sshd_config"), "-E", str(self.folder / "log")]
        done = subprocess.run(libvirtd.command(self.lab, *argv), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"sshd did not start: {(done.stderr or done.stdout).strip()}")
        processes.wait_until(self.listens, 20, "the start of sshd")

    def configure(self) -> None:
        """Write keys and configuration, once."""
        folder = self.lab.folder("sshd", 0o700)
        for key in (self.host_key, self.user_key):
            if not key.exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        public = Path(f"{self.host_key}.pub").read_text().rsplit(maxsplit=1)[0]
        self.known_hosts.write_text(f"[{self.address}]:{PORT} {public}\n")
        self.lab.folder("sshd/bin", 0o755)
        self.client.write_text(
            f"#!/bin/sh\nexec {REAL} -F none -o UserKnownHostsFile={self.known_hosts} "
            '-o GlobalKnownHostsFile=none "$@"\n'
        )
        self.client.chmod(0o755)
        text = CONFIGURATION.format(port=PORT, host_key=self.host_key, user_key=self.user_key)
        (folder / "sshd_config").write_text(text)

    def listens(self) -> bool:
        """Whether the server takes connections."""
        try:
            with socket.create_connection((self.address, PORT), timeout=2):
                return True
        except OSError:
            return False

    def down(self) -> None:
        """End the server and every session on it."""
        processes.stop(self.running(), "sshd")
