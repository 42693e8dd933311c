"""Two labs side by side: a guest boots to SSH, installs a package, and outlives its libvirtd."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt
import pytest

from tests.lab import aptproxy, image, libvirtd, netns, processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance, instance
from tests.lab.lab import Lab
from tests.lab.processes import wait_until

pytestmark = pytest.mark.timeout(1500)

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "192.168.77.10"
# 30 s on two quiet cores under TCG, and many times that beside others.
BOOT_SECONDS = 600.0
MAC = "52:54:00:4c:61:01"
NETWORK = f"""
<network>
  <name>labtest</name>
  <forward mode='nat'/>
  <bridge name='labtest0' stp='off' delay='0'/>
  <ip address='192.168.77.1' prefix='24'>
    <dhcp><range start='192.168.77.10' end='192.168.77.99'/><host mac='{MAC}' ip='{ADDRESS}'/></dhcp>
  </ip>
</network>
"""
DOMAIN = """
<domain type='qemu'>
  <name>guest</name>
  <memory unit='MiB'>512</memory>
  <vcpu>1</vcpu>
  <cpu mode='maximum'/>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>root=/dev/vda rw console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <source file='{seed}'/><target dev='hda' bus='ide'/><readonly/>
    </disk>
    <interface type='network'>
      <mac address='{mac}'/><source network='labtest'/><model type='virtio'/>
    </interface>
    <serial type='file'><source path='{console}'/></serial>
  </devices>
</domain>
"""
USER_DATA = """#cloud-config
users:
  - name: debian
    sudo: ALL=(ALL) NOPASSWD:ALL
    shell: /bin/bash
    ssh_authorized_keys: ["{key}"]
write_files:
  - path: /etc/apt/apt.conf.d/01proxy
    content: 'Acquire::http::Proxy "{proxy}";'
"""


def lab_command(*arguments: str) -> str:
    """Output of `python -m tests.lab ...`, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def options(lab: Instance) -> list[str]:
    return ["--name", lab.name, "--state-dir", str(lab.state)]


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, Instance]]:
    """Two running labs; their processes are gone afterwards, whatever the tests did."""
    if os.geteuid() != 0:
        pytest.skip("a lab needs root: it makes namespaces and starts libvirtd")
    base = tmp_path_factory.mktemp("labs")
    number = os.getpid() % 1_000_000
    pair = (instance(f"a{number}", base / "a"), instance(f"b{number}", base / "b"))
    try:
        for lab in pair:
            lab_command("up", *options(lab))
        yield pair
    finally:
        for lab in pair:
            Lab(lab).down(purge=True)


@dataclass(frozen=True)
class Guest:
    """A booted guest of the first lab."""

    lab: Instance
    key: Path

    def ssh(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the guest, as somebody with the lab's ssh_config would."""
        argv = ["ssh", "-F", str(self.lab.ssh_config), "-i", str(self.key), ADDRESS, command]
        return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def connect(lab: Instance) -> Any:
    return libvirt.open(lab.libvirt_uri)


@pytest.fixture(scope="module")
def guest(labs: tuple[Instance, Instance]) -> Guest:
    """A guest on a NAT network, defined through libvirt-python, its disks in the default pool."""
    lab = labs[0]
    built = image.build()
    folder = lab.state / "images"
    key = lab.state / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    disk, seed = folder / "guest.qcow2", folder / "seed.iso"
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", built.disk, str(disk), "4G"]
    subprocess.run(create, check=True)
    user_data, meta_data = lab.state / "user-data", lab.state / "meta-data"
    public = key.with_suffix(".pub").read_text().strip()
    user_data.write_text(USER_DATA.format(key=public, proxy=aptproxy.url(lab)))
    meta_data.write_text("instance-id: guest\nlocal-hostname: guest\n")
    medium = ["genisoimage", "-quiet", "-output", str(seed), "-volid", "cidata", "-rock"]
    subprocess.run([*medium, str(user_data), str(meta_data)], check=True)
    connection = connect(lab)
    try:
        connection.networkDefineXML(NETWORK).create()
        domain = connection.defineXML(
            DOMAIN.format(
                kernel=built.kernel,
                initrd=built.initrd,
                disk=disk,
                seed=seed,
                mac=MAC,
                console=lab.state / "console.log",
            )
        )
        domain.create()
    finally:
        connection.close()
    made = Guest(lab, key)
    try:
        wait_until(lambda: made.ssh("true").returncode == 0, BOOT_SECONDS, "SSH answers")
    except LabError:
        sys.stderr.write((lab.state / "console.log").read_text(errors="replace")[-2000:])
        raise
    return made


def test_the_labs_are_different_hosts(labs: tuple[Instance, Instance]) -> None:
    connections = [connect(lab) for lab in labs]
    try:
        told = [connection.getCapabilities() for connection in connections]
        for capabilities, lab in zip(told, labs, strict=True):
            assert f"<uuid>{lab.host_uuid}</uuid>" in capabilities
        assert labs[0].host_uuid != labs[1].host_uuid
        connections[1].networkDefineXML("<network><name>only-here</name></network>")
        assert "only-here" not in [network.name() for network in connections[0].listAllNetworks()]
    finally:
        for connection in connections:
            connection.close()


def test_a_second_up_changes_nothing(labs: tuple[Instance, Instance]) -> None:
    before = [process.pid for process in libvirtd.members(labs[1])]
    assert "was running" in lab_command("up", *options(labs[1]))
    assert [process.pid for process in libvirtd.members(labs[1])] == before


def test_the_name_of_a_running_lab_is_not_taken_by_another_state(
    labs: tuple[Instance, Instance], tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "tests.lab", "up", "--name", labs[1].name, "--state-dir", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert str(labs[1].state) in done.stderr


def test_no_two_package_proxies_share_a_cache(labs: tuple[Instance, Instance]) -> None:
    caches = [
        line
        for lab in labs
        for line in (lab.state / "aptproxy" / "acng.conf").read_text().splitlines()
        if line.startswith("CacheDir:")
    ]
    assert len(set(caches)) == len(caches) == 2


def test_status_says_where_everything_is(labs: tuple[Instance, Instance]) -> None:
    status = json.loads(lab_command("status", "--json", *options(labs[1])))
    assert all(status["running"].values())
    assert status["libvirt_uri"] == labs[1].libvirt_uri
    assert status["host_uuid"] == labs[1].host_uuid
    assert Path(status["database_url_file"]).stat().st_mode & 0o777 == 0o600


def test_the_guest_answers_on_ssh(guest: Guest) -> None:
    assert guest.ssh("sudo hostname").stdout.strip() == "guest"
    # sudo hangs for 12 s where the guest's own name does not resolve.
    assert guest.ssh("getent hosts guest").returncode == 0
    assert guest.ssh("df --output=size -BG / | tail -1").stdout.strip() == "4G"


def test_the_guest_installs_a_package_through_the_proxy(guest: Guest) -> None:
    install = "sudo apt-get -qq update && sudo apt-get -qq install --no-install-recommends tree"
    done = guest.ssh(f"cloud-init status --wait >/dev/null; {install} && tree --version")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip().splitlines()[-1].startswith("tree v")
    assert "Failed" not in done.stderr


def test_the_guest_reaches_nothing_else(guest: Guest) -> None:
    # A documentation address (RFC 5737): a route to it would lead out of the namespace.
    assert guest.ssh("ping -c 1 -W 2 198.51.100.1").returncode != 0


def test_the_guest_outlives_its_libvirtd(guest: Guest) -> None:
    booted = guest.ssh("cat /proc/sys/kernel/random/boot_id").stdout
    for name in ("libvirtd", "virtlogd"):
        daemon = libvirtd.pid_of(guest.lab, name)
        assert daemon is not None
        os.kill(daemon.pid, signal.SIGKILL)
        processes.stop([daemon], name)  # waits for the end
    assert "started libvirt" in lab_command("up", *options(guest.lab))
    assert guest.ssh("cat /proc/sys/kernel/random/boot_id").stdout == booted
    connection = connect(guest.lab)
    try:
        assert connection.lookupByName("guest").isActive()
    finally:
        connection.close()


def test_down_leaves_nothing_running_and_keeps_the_data(
    labs: tuple[Instance, Instance], guest: Guest
) -> None:
    assert libvirtd.members(guest.lab)
    lab_command("down", *options(guest.lab))
    left = [one for one in processes.everyone() if str(guest.lab.state) in command_line(one.pid)]
    assert left == []
    assert libvirtd.members(guest.lab) == []
    assert not guest.lab.namespace_file.exists()
    assert not netns.link_exists(guest.lab.host_card)
    assert str(guest.lab.state) not in Path("/proc/self/mountinfo").read_text()
    assert (guest.lab.state / "images" / "guest.qcow2").exists()
    # The other lab has not noticed.
    connection = connect(labs[1])
    try:
        assert connection.isAlive()
    finally:
        connection.close()


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
