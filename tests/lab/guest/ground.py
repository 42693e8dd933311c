"""What all guests of a lab share: the lab itself, the network, the SSH key, the list of guests."""

import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from tests.lab import libvirtd, locking, netns, processes
from tests.lab.errors import LabError
from tests.lab.guest import documents, records
from tests.lab.guest.records import Record
from tests.lab.instance import Instance
from tests.lab.lab import Lab


@dataclass(frozen=True)
class Ground:
    """A lab with libvirt and without a ledger, where guests stand side by side."""

    lab: Instance

    @property
    def folder(self) -> Path:
        return self.lab.state / "guests"

    @property
    def key(self) -> Path:
        """The private SSH key that opens every guest."""
        return self.folder / "id_ed25519"

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    @property
    def public_key(self) -> str:
        return self.key.with_suffix(".pub").read_text().strip()

    @property
    def running(self) -> bool:
        """Whether the lab's libvirt runs."""
        return libvirtd.pid_of(self.lab, "libvirtd") is not None

    def virsh(self, *arguments: str) -> str:
        """Output of virsh on the lab; raises LabError with its words."""
        return libvirtd.virsh(self.lab, *arguments)

    def up(self) -> None:
        """Start the lab, and make what is missing; raises LabError."""
        Lab(self.lab).up(ledger=False)
        with locking.locked(self.lab.lock, f"another command on lab {self.lab.name}"):
            self.folder.mkdir(exist_ok=True)
            self.ensure_key()
            self.ensure_network()

    def ensure_key(self) -> None:
        """The key pair, whole or not at all."""
        if not self.key.exists():
            draft = self.folder / "key.draft"
            for stale in (draft, draft.with_suffix(".draft.pub")):
                stale.unlink(missing_ok=True)
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "limen-guest", "-f", str(draft)]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
            draft.with_suffix(".draft.pub").replace(self.key.with_suffix(".pub"))
            draft.replace(self.key)

    def ensure_network(self) -> None:
        """The network, defined and running."""
        if documents.NETWORK not in self.virsh("net-list", "--all", "--name").split():
            definition = self.folder / "network.xml"
            definition.write_text(documents.network_xml())
            self.virsh("net-define", str(definition))
            self.virsh("net-autostart", documents.NETWORK)
        if documents.NETWORK not in self.virsh("net-list", "--name").split():
            self.virsh("net-start", documents.NETWORK)

    def vms(self, *options: str) -> list[str]:
        """VMs that are defined, or with `--state-running` those that run."""
        return self.virsh("list", "--name", *(options or ("--all",))).split()

    @property
    def bridge(self) -> str:
        """The card of the namespace that all guests' cards lead to."""
        name = self.network().find("bridge")
        if name is None:
            raise LabError(f"libvirt's network {documents.NETWORK} has no bridge")
        return name.get("name", "")

    def network(self) -> ET.Element:
        """The network's XML as it runs."""
        return ET.fromstring(self.virsh("net-dumpxml", documents.NETWORK))  # noqa: S314  libvirt's own

    def definition(self, name: str) -> ET.Element:
        """A guest's XML as it is defined."""
        return ET.fromstring(self.virsh("dumpxml", "--inactive", name))  # noqa: S314  libvirt's own

    def slot_of_vm(self, name: str) -> int:
        """The slot that a VM took when it was defined."""
        card = self.definition(name).find("devices/interface/mac")
        if card is None:
            raise LabError(f"{name} has no network card: `down {name} --purge`, then try again")
        return documents.slot_of(card.get("address", ""))

    def containers(self) -> dict[str, Record]:
        """Containers that were made, whether they run or not."""
        found = {
            path.parent.name: records.read(path) for path in sorted(self.folder.glob(f"*/{records.FILE}"))
        }
        return {name: record for name, record in found.items() if record is not None}

    def slots(self) -> dict[str, int]:
        """The slots that guests hold, by their names."""
        vms = {name: self.slot_of_vm(name) for name in self.vms()} if self.running else {}
        return {**vms, **{name: record.slot for name, record in self.containers().items()}}

    def free_slot(self) -> int:
        """The first slot that no guest has; raises LabError when there is none."""
        taken = set(self.slots().values())
        if free := next((slot for slot in documents.SLOTS if slot not in taken), None):
            return free
        raise LabError(f"lab {self.lab.name} holds {len(taken)} guests already: take one `down --purge`")

    def write_ssh_config(self) -> None:
        """Name every guest in the common configuration, whole or not at all. Held under the lab's lock."""
        guests = [(name, documents.address_of(slot)) for name, slot in sorted(self.slots().items())]
        draft = self.ssh_config.with_suffix(".draft")
        draft.write_text(documents.ssh_config(guests, self.lab.namespace, self.key))
        draft.replace(self.ssh_config)

    def cut_connections(self, address: IPv4Address) -> None:
        """End the SSH connections to a guest: those kept open for reuse do not survive its way back."""
        argument = str(address).encode()
        stale = [
            process
            for process in processes.everyone()
            if process.name == "nc"
            and netns.holds(self.lab, process.pid)
            and argument in command_line(process.pid)
        ]
        processes.stop(stale, "an SSH connection")


def command_line(pid: int) -> list[bytes]:
    """The arguments of a process; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []
