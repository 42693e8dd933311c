"""A lab put together: namespace, libvirt, package proxy, PostgreSQL; up, down and status."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.lab import aptproxy, libvirtd, netns
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


@dataclass(frozen=True)
class Lab:
    """One lab: a hypervisor and a PostgreSQL cluster that nothing else on the machine notices."""

    instance: Instance

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.instance.state / "postgres")

    def up(self, hypervisor: bool = True) -> list[str]:
        """Start what does not run; returns the names of what had to be started (empty the second time)."""
        self.instance.state.mkdir(parents=True, exist_ok=True)
        self.instance.state.chmod(0o755)
        started = []
        if hypervisor:
            if netns.up(self.instance):
                started.append("network namespace")
            if aptproxy.up(self.instance):
                started.append("package proxy")
            if libvirtd.up(self.instance):
                started.append("libvirt")
            self.instance.ssh_config.write_text(SSH_CONFIG.format(namespace=self.instance.namespace))
        if self.cluster.up():
            started.append("PostgreSQL")
        return started

    def down(self, purge: bool = False) -> None:
        """Stop everything, guests included; with `purge` the data go as well."""
        libvirtd.down(self.instance)
        aptproxy.down(self.instance)
        self.cluster.down()
        netns.down(self.instance)
        if purge and self.instance.state.exists():
            shutil.rmtree(self.instance.state)

    def status(self) -> dict[str, object]:
        """What runs and where it is reached."""
        running = {
            "namespace": netns.exists(self.instance),
            "virtlogd": libvirtd.pid_of(self.instance, "virtlogd") is not None,
            "libvirtd": libvirtd.pid_of(self.instance, "libvirtd") is not None,
            "postgresql": self.cluster.process() is not None,
        }
        return {
            "name": self.instance.name,
            "state": str(self.instance.state),
            "running": running,
            "libvirt_uri": self.instance.libvirt_uri,
            "host_uuid": self.instance.host_uuid,
            "database_url_file": str(self.cluster.url_file),
            "ssh_config": str(self.instance.ssh_config),
            "apt_proxy": aptproxy.url(self.instance) if (self.instance.state / "veth").exists() else None,
        }


def labs(base: Path) -> list[str]:
    """Names of the labs that have state below `base`."""
    return sorted(path.name for path in base.iterdir() if path.is_dir()) if base.is_dir() else []
