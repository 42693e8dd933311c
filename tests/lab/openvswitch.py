"""Open vSwitch of a lab, whose bridges tag ports with VLANs: in userspace, without a kernel module."""

import subprocess

from tests.lab import libvirtd, processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl")
DAEMONS = ("ovs-vswitchd", "ovsdb-server")


def run(lab: Instance, *argv: str) -> str:
    """Run one of its programs inside the lab, where it finds the lab's database; raises LabError."""
    done = subprocess.run(libvirtd.command(lab, *argv), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def running(lab: Instance) -> list[processes.Process]:
    """Its daemons, if they run."""
    return [process for process in libvirtd.members(lab) if process.name in DAEMONS]


def up(lab: Instance) -> None:
    """Start database and switch unless they run, with the bridges of an earlier run. Raises LabError."""
    if running(lab):
        return
    folder = lab.folder(libvirtd.OPEN_VSWITCH)
    database = folder / "conf.db"
    if not database.exists():
        run(lab, "ovsdb-tool", "create", str(database), SCHEMA)
    socket = folder / "db.sock"
    daemon = ("--detach", "--no-chdir", f"--log-file={folder / 'log'}")
    run(lab, "ovsdb-server", str(database), f"--remote=punix:{socket}", "--pidfile", *daemon)
    run(lab, "ovs-vsctl", "--no-wait", "init")
    run(lab, "ovs-vswitchd", f"unix:{socket}", "--pidfile", *daemon)


def add_bridge(lab: Instance, name: str) -> None:
    """Make a bridge."""
    kind = ("set", "bridge", name, "datapath_type=netdev")
    run(lab, "ovs-vsctl", "--timeout=20", "add-br", name, "--", *kind)


def tag(lab: Instance, port: str) -> int | None:
    """The VLAN that a port is in, None if it is in none; raises LabError where there is no such port."""
    found = run(lab, "ovs-vsctl", "--timeout=20", "get", "port", port, "tag").strip()
    return None if found == "[]" else int(found)


def down(lab: Instance) -> None:
    """Stop its daemons."""
    processes.stop(running(lab), "Open vSwitch")
