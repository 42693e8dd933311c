"""A lab put together: namespace, package proxy, libvirt, PostgreSQL; up, down and status."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab import aptproxy, cgroups, libvirtd, locking, netns, processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance
from tests.lab.postgres import Cluster

# A NAT network lets nobody in from outside: SSH goes through the namespace, where the bridge is.
SSH_CONFIG = """\
Host *
    User debian
    ProxyCommand ip netns exec {namespace} nc %h %p
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    LogLevel ERROR
    ConnectTimeout 10
"""


def real_host() -> str | None:
    """The host that LIMEN_LIBVIRT_URI names; a lab's own socket (`.limen/env` is loaded) is none."""
    uri = os.environ.get("LIMEN_LIBVIRT_URI", "")
    return None if not uri or uri.startswith("qemu+unix:") else uri


@dataclass(frozen=True)
class Lab:
    """One lab: a hypervisor and a PostgreSQL cluster that nothing else on the machine notices."""

    instance: Instance

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.instance.state / "postgres")

    def up(self, hypervisor: bool = True, ledger: bool = True) -> list[str]:
        """Start what does not run; returns the names of what had to be started (empty the second time).

        Without `hypervisor` PostgreSQL only, for a host of one's own; without `ledger` no PostgreSQL.
        Raises LabError.
        """
        self.require_root()
        with locking.locked(self.instance.lock, f"another command on lab {self.instance.name}"):
            self.take_name()
            self.instance.state.mkdir(parents=True, exist_ok=True)
            self.instance.state.chmod(0o755)
            started = self.up_hypervisor() if hypervisor else []
            if ledger and self.cluster.up():
                started.append("PostgreSQL")
            return started

    def up_hypervisor(self) -> list[str]:
        """The namespace and what runs in it or for it."""
        started = []
        fresh = netns.up(self.instance)
        if fresh:
            started.append("network namespace")
        if aptproxy.up(self.instance):
            started.append("package proxy")
        if libvirtd.up(self.instance, fresh):
            started.append("libvirt")
        self.instance.ssh_config.write_text(SSH_CONFIG.format(namespace=self.instance.namespace))
        return started

    def down(self, purge: bool = False) -> None:
        """Stop everything, guests included; with `purge` the data go as well. Raises LabError."""
        self.require_root()
        with locking.locked(self.instance.lock, f"another command on lab {self.instance.name}"):
            self.take_name()
            cgroups.down(self.instance)
            libvirtd.down(self.instance)
            self.stop_connections()
            aptproxy.down(self.instance)
            self.cluster.down()
            netns.down(self.instance)
            if purge and self.instance.state.exists():
                shutil.rmtree(self.instance.state)
            self.instance.owner_file.unlink(missing_ok=True)

    def take_name(self) -> None:
        """Two clones must not share a namespace: the name belongs to the state that it runs with.

        Raises LabError while another state of this name is in use.
        """
        owner = self.instance.owner_file
        if owner.exists() and (other := Path(owner.read_text().strip())) != self.instance.state:
            theirs = Instance(self.instance.name, other)
            if libvirtd.members(theirs) or aptproxy.running(theirs):
                raise LabError(
                    f"a lab named {self.instance.name} runs already, with its state in {other}: "
                    f"choose another name, or stop it: `down --name {self.instance.name} --state-dir {other}`"
                )
        owner.parent.mkdir(parents=True, exist_ok=True)
        owner.write_text(f"{self.instance.state}\n")

    def stop_connections(self) -> None:
        """End the ProxyCommands that still lead to guests; a shell that somebody left open stays."""
        inside = [one for one in processes.everyone() if netns.holds(self.instance, one.pid)]
        processes.stop([process for process in inside if process.name == "nc"], "an SSH connection")

    def require_root(self) -> None:
        if os.geteuid() != 0:
            raise LabError("a lab needs root: it makes namespaces and starts libvirtd")

    def status(self) -> dict[str, object]:
        """What runs and where it is reached."""
        names = {process.name for process in libvirtd.members(self.instance)}
        running = {
            "namespace": netns.exists(self.instance),
            "package proxy": bool(aptproxy.running(self.instance)),
            "virtlogd": "virtlogd" in names,
            "libvirtd": "libvirtd" in names,
            "postgresql": self.cluster.process() is not None,
        }
        return {
            "name": self.instance.name,
            "state": str(self.instance.state),
            "running": running,
            "libvirt_uri": real_host() or self.instance.libvirt_uri,
            "host_uuid": None if real_host() else self.instance.host_uuid,
            "database_url_file": str(self.cluster.url_file),
            "ssh_config": str(self.instance.ssh_config),
            "apt_proxy": aptproxy.url(self.instance) if aptproxy.port_file(self.instance).exists() else None,
        }


def labs(base: Path) -> list[str]:
    """Names of the labs that have state below `base`."""
    return sorted(path.name for path in base.iterdir() if path.is_dir()) if base.is_dir() else []
