"""The Debian packages that lab, toolchain and libvirt-python need; no service of theirs is started."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.errors import LabError

PACKAGES = (
    "libvirt-daemon-system",  # the hypervisor under test
    "libvirt-daemon-driver-qemu",
    "libvirt-clients",  # virsh
    "qemu-system-x86",
    "qemu-utils",  # qemu-img
    "dnsmasq-base",  # DHCP and DNS of libvirt's networks
    "iptables",  # libvirt 9.0 writes its NAT rules with it
    "ovmf",  # UEFI and secure boot
    "swtpm",  # TPM of a guest
    "swtpm-tools",
    "xsltproc",  # pulumi-libvirt applies xml.xslt with it
    "genisoimage",  # pulumi-libvirt makes cloud-init disks with it (mkisofs)
    "mmdebstrap",  # builds the guest image
    "e2fsprogs",  # mkfs.ext4 -d
    "apt-cacher-ng",  # guests install packages through it
    "postgresql-15",  # the ledger
    "netcat-openbsd",  # SSH into the lab's network namespace
    "openssh-client",
    "iproute2",
    "procps",
    "psmisc",
    "ca-certificates",
    "gcc",  # libvirt-python is built from source
    "libc6-dev",
    "libvirt-dev",
    "pkg-config",
    "python3-dev",
    "python3-venv",
)
POLICY = Path("/usr/sbin/policy-rc.d")
KEPT = POLICY.with_name("policy-rc.d.limen-kept")
DENY = "#!/bin/sh\n# limen lab: no service starts while its packages are installed\nexit 101\n"
# A cluster `main` of the package's own making would be one more server on the machine.
NO_MAIN_CLUSTER = Path("/etc/postgresql-common/createcluster.d/limen.conf")


def missing() -> list[str]:
    """The packages that are not installed, in order."""
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *PACKAGES],
        capture_output=True,
        text=True,
        check=False,  # it fails when one is unknown, and still lists the others
    ).stdout
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in PACKAGES if name not in installed]


def restore_policy() -> None:
    """Take our policy away and put back the one that was there; also after a run that was killed."""
    if POLICY.exists() and POLICY.read_text() == DENY:
        POLICY.unlink()
    if KEPT.exists():
        KEPT.rename(POLICY)


@contextlib.contextmanager
def no_services() -> Iterator[None]:
    """Forbid package scripts to start services meanwhile."""
    restore_policy()
    if POLICY.exists():
        POLICY.rename(KEPT)
    POLICY.write_text(DENY)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        restore_policy()


def apt_get(*arguments: str) -> None:
    """Run apt-get without questions; raises LabError when it fails."""
    argv = [
        "apt-get",
        "-q",
        "-y",
        "-o",
        "Dpkg::Use-Pty=0",
        "-o",
        "Dpkg::Options::=--force-confold",
        *arguments,
    ]
    code = subprocess.run(
        argv, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdin=subprocess.DEVNULL, check=False
    ).returncode
    if code != 0:
        raise LabError(
            f"{' '.join(argv)} ended with exit code {code}: see above, mend apt's sources and run again"
        )


def install() -> list[str]:
    """Install what is missing and return its names; needs root and Debian's apt-get."""
    wanted = missing()
    if not wanted:
        restore_policy()
        return []
    if os.geteuid() != 0:
        raise LabError(
            f"these Debian packages are missing, and installing them needs root: {' '.join(wanted)}"
        )
    with no_services():
        apt_get("update")
        if "postgresql-15" in wanted:
            NO_MAIN_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
            NO_MAIN_CLUSTER.write_text("create_main_cluster = false\n")
        apt_get("install", "--no-install-recommends", *wanted)
    return wanted
