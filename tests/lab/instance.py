"""One lab instance: its name, its folders, its addresses; everything else is derived from these."""

import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

# Below /var/lib so that the user postgres may enter it and paths of sockets stay short (108 bytes at most).
BASE = Path("/var/lib/limen-lab")
NAMESPACE = uuid.UUID("5a0a2c63-54b5-4c0a-9e0f-3f3f2b3e7a11")


def cache_root() -> Path:
    """Where slow results are kept outside the tree."""
    if path := os.environ.get("LIMEN_CACHE_DIR"):
        return Path(path)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limen"


@dataclass(frozen=True)
class Instance:
    """A lab named `name`: 1 to 8 lower-case letters and digits, for names of network cards are short."""

    name: str
    state: Path

    @property
    def namespace(self) -> str:
        return f"limen-{self.name}"

    @property
    def namespace_file(self) -> Path:
        return Path("/run/netns", self.namespace)

    @property
    def lock(self) -> Path:
        """Held while the lab is changed; outside the state, which may be purged."""
        return Path("/run/lock", f"limen-lab-{self.name}")

    @property
    def owner_file(self) -> Path:
        """Says which state folder the lab of this name runs with."""
        return Path("/run/limen-lab", self.name)

    @property
    def host_card(self) -> str:
        return f"lm{self.name}h"

    @property
    def lab_card(self) -> str:
        return f"lm{self.name}n"

    @property
    def host_uuid(self) -> str:
        """The libvirt host UUID, the same whenever a lab of this name is made again."""
        return str(uuid.uuid5(NAMESPACE, self.name))

    @property
    def libvirt_socket(self) -> Path:
        return self.state / "run" / "libvirt-sock"

    @property
    def libvirt_uri(self) -> str:
        return f"qemu+unix:///system?socket={self.libvirt_socket}"

    @property
    def ssh_config(self) -> Path:
        return self.state / "ssh_config"

    def folder(self, name: str, mode: int = 0o755) -> Path:
        """A folder of the instance, made when missing."""
        path = self.state / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        return path


def instance(name: str, state: Path | None = None) -> Instance:
    """The instance of that name; raises LabError for a name that cannot be one."""
    if not re.fullmatch(r"[a-z0-9]{1,8}", name):
        raise LabError(f"a lab's name is 1 to 8 lower-case letters and digits, not {name!r}")
    path = (state or BASE / name).resolve()
    if len(str(path)) > 80:
        raise LabError(
            f"{path} is too long for sockets below it: choose a state folder of at most 80 characters"
        )
    return Instance(name, path)
