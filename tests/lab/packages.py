"""The Debian packages that lab, toolchain and libvirt-python need; no service of theirs is started."""

import os
import subprocess
from pathlib import Path

from tests.lab import locking, noservices
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
    "systemd-container",  # systemd-nspawn: guests without a kernel of their own
    "apt-cacher-ng",  # guests install packages through it
    "postgresql",  # the ledger; Debian 12 has 15, Debian 13 has 17
    "prometheus",  # scrapes limen-agent, and promtool judges what it says, in the tests
    "prometheus-node-exporter",  # beside which the bench of limen-agent measures
    "netcat-openbsd",  # SSH into the lab's network namespace
    "openssh-client",
    "openssh-server",  # a host that is reached by qemu+ssh, in the tests
    "openvswitch-switch",  # networks with a VLAN, in the tests
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
LOCK = Path("/run/lock/limen-lab-packages")


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


def apt_get(*arguments: str) -> None:
    """Run apt-get without questions, waiting for another that runs; raises LabError when it fails."""
    options = ["Dpkg::Use-Pty=0", "DPkg::Lock::Timeout=600", "Dpkg::Options::=--force-confold"]
    argv = ["apt-get", "-q", "-y", *(part for option in options for part in ("-o", option)), *arguments]
    try:
        code = subprocess.run(
            argv,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
    except FileNotFoundError as error:
        raise LabError(f"the lab is made for Debian 12 and 13: there is no {argv[0]} here") from error
    if code != 0:
        raise LabError(
            f"apt-get {arguments[0]} ended with exit code {code}: see above, mend it and run again"
        )


def install() -> list[str]:
    """Install what is missing and return its names; needs root and Debian's apt-get. Raises LabError."""
    guard = noservices.Guard()
    if not (wanted := missing()) and not guard.enabled_before.exists():
        return []
    if os.geteuid() != 0:
        raise LabError(f"installing these Debian packages needs root: {' '.join(wanted)}")
    with locking.locked(LOCK, "another installation of packages"):
        guard.lift()  # an earlier run may have been killed
        if wanted := missing():
            with guard.on():
                apt_get("update")
                apt_get("install", "--no-install-recommends", *wanted)
        return wanted
