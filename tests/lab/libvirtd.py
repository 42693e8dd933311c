"""libvirtd and virtlogd of a lab, without systemd, their folders bound to ones of the lab's own."""

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
OPEN_VSWITCH = "openvswitch"
POOL = "default"
# Opens port forwards; libvirtd looks for hooks when it starts.
FORWARDS_HOOK = Path(__file__).parents[2] / "agent/limen/hypervisor/hooks/network.py"
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
    install_hook(lab, "network", FORWARDS_HOOK.read_text())
    filters = Path("/etc/libvirt/nwfilter")
    if filters.is_dir() and not (etc / "nwfilter").exists():
        shutil.copytree(filters, etc / "nwfilter")
    for folder in ("lib/images", "lib/boot", "lib/qemu"):
        lab.folder(folder)


def install_hook(lab: Instance, driver: str, text: str) -> None:
    """Give libvirt's `driver` (`network`, `qemu`) our hook; a libvirtd that runs has to be restarted."""
    hook = lab.folder(f"etc/hooks/{driver}.d") / "limen"
    hook.write_text(text)
    hook.chmod(0o755)


def give_kvm_to_its_group() -> None:
    """As udev does on a real host; else libvirt probes QEMU anew on every call (8 s each)."""
    kvm = Path("/dev/kvm")
    if kvm.exists() and kvm.stat().st_mode & 0o060 != 0o060:
        shutil.chown(kvm, group="kvm")
        kvm.chmod(0o660)


def command(lab: Instance, *argv: str) -> list[str]:
    """A command as seen from inside: the lab's network namespace, and its folders in libvirt's places."""
    binds = " && ".join(f'mount --bind "$1/{ours}" {theirs}' for ours, theirs in COVERED.items())
    # mkdir: a fresh machine has no /run/libvirt yet. Without the system bus libvirtd finds neither firewalld
    # nor machined, which know nothing of this namespace.
    # OVS_RUNDIR: ovs-vsctl, which libvirtd calls, finds the lab's Open vSwitch there, if it has one.
    script = f"""mkdir -p {" ".join(COVERED.values())} && {binds} && export OVS_RUNDIR="$1/{OPEN_VSWITCH}" &&
        shift && DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent exec "$@" """
    return [
        *netns.enter(lab),
        *("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "limen-lab", str(lab.state)),
        *argv,
    ]


def members(lab: Instance) -> list[processes.Process]:
    """Every process of the lab's libvirt, QEMU and dnsmasq included: who sees our folder as /run/libvirt."""
    return processes.with_folder(lab.state / "run", COVERED["run"])


def pid_of(lab: Instance, name: str) -> processes.Process | None:
    """The lab's daemon of that name (`libvirtd`, `virtlogd`), however it was started."""
    return next((process for process in members(lab) if process.name == name), None)


def launch(lab: Instance, name: str) -> None:
    """Start one daemon; raises LabError with its last words."""
    argv = command(lab, name, "-d", "-p", f"/run/libvirt/{name}.pid")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
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


def virsh(lab: Instance, *arguments: str) -> str:
    """Output of a virsh command on the lab; raises LabError with its words."""
    argv = ["virsh", "--connect", lab.libvirt_uri, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"virsh {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def ensure_pool(lab: Instance) -> None:
    """The pool `default`, as an ordinary libvirt host has it; what is there already stays."""
    images = lab.folder("images")
    if POOL not in virsh(lab, "pool-list", "--all", "--name").split():
        virsh(lab, "pool-define-as", POOL, "dir", "--target", str(images))
    virsh(lab, "pool-autostart", POOL)
    if POOL not in virsh(lab, "pool-list", "--name").split():
        virsh(lab, "pool-start", POOL)


def up(lab: Instance, fresh: bool = False) -> bool:
    """Start what does not run; returns whether anything had to be started. Guests live on meanwhile.

    `fresh` says that the namespace is new: nothing of an earlier run can be left in it.
    """
    running = members(lab)
    if fresh and not running:
        # As a reboot empties /run: libvirt starts what is marked autostart only where it finds it empty.
        shutil.rmtree(lab.state / "run", ignore_errors=True)
    configure(lab)
    give_kvm_to_its_group()
    missing = [name for name in ("virtlogd", "libvirtd") if name not in {process.name for process in running}]
    for name in missing:
        launch(lab, name)
    if missing:
        processes.wait_until(lambda: answers(lab), 60, "an answer of libvirtd")
    if missing or not (lab.state / "etc/storage/autostart" / f"{POOL}.xml").exists():
        ensure_pool(lab)
    return bool(missing)


def down(lab: Instance) -> None:
    """Stop guests (as a power cut does, their disks flushed), then the daemons."""
    daemons = ("libvirtd", "virtlogd")
    found = members(lab)
    processes.stop([process for process in found if process.name not in daemons], "a guest")
    processes.stop(members(lab), "libvirt")
