"""A control group for each container: what runs in it is found by it, and ended by it, whatever happened.

The unified hierarchy (cgroup2) only. A machine that has none mounted gets one, in a place of the lab's own.
"""

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab import processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance

OWN = Path("/run/limen-lab/.cgroup2")
TOP = "limen-lab"


def parse_mounts(mounts: str) -> list[Path]:
    """Where cgroup2 is mounted, by /proc/self/mounts."""
    rows = [line.split() for line in mounts.splitlines()]
    return [Path(row[1]) for row in rows if row[2] == "cgroup2"]


def hierarchy() -> Path:
    """The root of the unified hierarchy, mounted if need be; raises LabError."""
    if found := parse_mounts(Path("/proc/self/mounts").read_text()):
        return found[0]
    OWN.mkdir(parents=True, exist_ok=True)
    argv = ["mount", "-t", "cgroup2", "cgroup2", str(OWN)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"containers need cgroup2, which this machine does not give: {done.stderr.strip()}")
    return OWN


@dataclass(frozen=True)
class Group:
    """The group of one container of a lab."""

    lab: Instance
    name: str

    @property
    def path(self) -> str:
        """Its path within the hierarchy, as /proc/PID/cgroup shows it, without the leading slash."""
        return f"{TOP}/{self.lab.name}/{self.name}"

    @property
    def folder(self) -> Path:
        return hierarchy() / self.path

    def make(self) -> None:
        """Make it where it is not there."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def populated(self) -> bool:
        """Whether anything runs in it."""
        try:
            return "populated 1" in (self.folder / "cgroup.events").read_text()
        except OSError:
            return False

    def remove(self) -> None:
        """Kill what runs in it, and take it away; raises LabError where something survives."""
        if not self.folder.exists():
            return
        (self.folder / "cgroup.kill").write_text("1")
        processes.wait_until(lambda: not self.populated, 20, f"the end of container {self.name}")
        below = (path for path in self.folder.rglob("*") if path.is_dir())
        for path in sorted(below, key=lambda path: len(path.parts), reverse=True):
            path.rmdir()
        self.folder.rmdir()


def groups(lab: Instance) -> list[Group]:
    """The groups of a lab's containers, in order."""
    folder = hierarchy() / TOP / lab.name
    return (
        [Group(lab, path.name) for path in sorted(folder.iterdir()) if path.is_dir()]
        if folder.exists()
        else []
    )


def down(lab: Instance) -> None:
    """End every container of a lab; nothing of its groups stays."""
    for group in groups(lab):
        group.remove()
    for folder in (hierarchy() / TOP / lab.name, hierarchy() / TOP):
        with contextlib.suppress(FileNotFoundError, OSError):  # another lab's stand there
            folder.rmdir()
