"""libvirtd and virtlogd of a lab, without systemd, with every folder of theirs bound to one of the lab's own."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.lab import netns, processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance

# Folder below the lab's state -> the folder that it covers inside the lab's mount namespaces.
COVERED = {
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
    "etc": "/etc/libvirt",
}
LIBVIRTD_CONF = """\
host_uuid = "{host_uuid}"
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
unix_sock_admin_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
"""
# QEMU as root: its images may stand in a cache below root's home. No cgroups and no security driver: there is
# neither systemd nor AppArmor here to hold them.
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
"""


def configure(lab: Instance) -> None:
    """Write the lab's own configuration of libvirt."""
    for folder in COVERED:
        lab.folder(folder)
    etc = lab.state / "etc"
    (etc / "libvirtd.conf").write_text(LIBVIRTD_CONF.format(host_uuid=lab.host_uuid))
    (etc / "qemu.conf").write_text(QEMU_CONF)
    (etc / "virtlogd.conf").write_text('log_outputs = "2:file:/var/log/libvirt/virtlogd.log"\n')
    filters = Path("/etc/libvirt/nwfilter")
    if filters.is_dir() and not (etc / "nwfilter").exists():
        shutil.copytree(filters, etc / "nwfilter")
    for folder in ("lib/images", "lib/boot", "lib/qemu", "run/lock"):
        lab.folder(folder)


def give_kvm_to_its_group() -> None:
    """As udev does on a real host; else libvirt probes QEMU anew on every call (8 s each)."""
    kvm = Path("/dev/kvm")
    if kvm.exists() and kvm.stat().st_mode & 0o060 != 0o060:
        shutil.chown(kvm, group="kvm")
        kvm.chmod(0o660)


def command(lab: Instance, *argv: str) -> list[str]:
    """A command as seen from inside: the lab's network namespace, and its folders in libvirt's places."""
    binds = " && ".join(f'mount --bind "$1/{ours}" {theirs}' for ours, theirs in COVERED.items())
    script = f'{binds} && shift && exec "$@"'
    return [
        *netns.inside(lab),
        *("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "limen-lab", str(lab.state)),
        *argv,
    ]


def pid_of(lab: Instance, name: str) -> processes.Process | None:
    """The lab's daemon of that name, from the pid file that it wrote itself, if that process is really it."""
    try:
        pid = int((lab.state / "run" / f"{name}.pid").read_text())
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return processes.identify(pid) if name in line and in_namespace(lab, pid) else None


def in_namespace(lab: Instance, pid: int) -> bool:
    """Whether a process lives in the lab's network namespace."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino == os.stat(f"/run/netns/{lab.namespace}").st_ino
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def launch(lab: Instance, name: str) -> None:
    """Start one daemon and wait for its pid file; raises LabError with its last words."""
    (lab.state / "run" / f"{name}.pid").unlink(missing_ok=True)
    done = subprocess.run(
        command(lab, name, "-d", "-p", f"/run/libvirt/{name}.pid"), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"{name} did not start: {(done.stderr or done.stdout).strip()}")
    processes.wait_until(lambda: pid_of(lab, name) is not None, 20, f"the start of {name}")


def answers(lab: Instance) -> bool:
    """Whether libvirtd answers a call."""
    try:
        argv = ["virsh", "--connect", lab.libvirt_uri, "uri"]
        return subprocess.run(argv, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def up(lab: Instance) -> bool:
    """Start what does not run; returns whether anything had to be started. Guests live on meanwhile."""
    configure(lab)
    give_kvm_to_its_group()
    changed = False
    for name in ("virtlogd", "libvirtd"):
        if pid_of(lab, name) is None:
            launch(lab, name)
            changed = True
    if changed:
        processes.wait_until(lambda: answers(lab), 60, "an answer of libvirtd")
    return changed


def down(lab: Instance) -> None:
    """Stop guests and daemons: everything that lives in the lab's network namespace."""
    processes.stop(pid_of(lab, "libvirtd"), "libvirtd")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and in_namespace(lab, int(entry.name)):
            processes.stop(processes.identify(int(entry.name)), f"process {entry.name} of lab {lab.name}")
