"""Nothing starts on a host that nobody was admitted for; what is adopted does."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.lab.processes import wait_until
from tests.world.agent import HostAgent
from tests.world.world import World

MIB = 1024**2
NAMES = [
    "plain",
    "with 'single' and \"double\" quotes",
    "emoji \N{ROCKET}\N{FAMILY} und Umläute",
    "x" * 200,
]


@pytest.fixture
def domain(guarded: World, tmp_path: Path) -> Iterator["Domain"]:
    made = Domain(guarded, tmp_path)
    yield made
    made.remove()


class Domain:
    """A domain with a disk in the pool `default`, defined behind everybody's back."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.uuid = str(uuid4())
        self.volume = f"{self.uuid}.qcow2"
        self.folder = folder

    def define(self, name: str, memory: int = 32, ceiling: int | None = None) -> "Domain":
        """Of so many MiB."""
        self.world.virsh("vol-create-as", "default", self.volume, "1MiB", "--format", "qcow2")
        escaped = name.replace("&", "&amp;").replace("<", "&lt;")
        file = self.folder / "domain.xml"
        file.write_text(
            f"<domain type='qemu'><name>{escaped}</name><uuid>{self.uuid}</uuid>"
            f"<memory unit='MiB'>{ceiling or memory}</memory>"
            f"<currentMemory unit='MiB'>{memory}</currentMemory><vcpu>1</vcpu>"
            "<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>"
            "<cpu mode='maximum'/><devices>"
            "<disk type='volume'><driver name='qemu' type='qcow2'/>"
            f"<source pool='default' volume='{self.volume}'/>"
            "<target dev='vda' bus='virtio'/></disk></devices></domain>"
        )
        self.world.virsh("define", str(file))
        return self

    def start(self) -> str:
        """What virsh says of starting it paused; nothing when it starts."""
        return self.world.refused("start", self.uuid, "--paused")

    def adopt(self, project: str = "demo") -> None:
        self.world.authority.limen("adopt", self.uuid, "--project", project)

    def remove(self) -> None:
        self.world.refused("destroy", self.uuid)
        self.world.refused("undefine", self.uuid)
        self.world.refused("vol-delete", self.volume, "--pool", "default")
        for claim in self.world.claims():
            if self.uuid in {item["uuid"] for item in claim["items"]}:
                self.world.client.release_claim(claim["id"], claim["generation"])
        self.world.client.scan_host(self.world.host)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_never_admitted_does_not_start_until_it_is_adopted(
    guarded: World, host_agent: HostAgent, domain: Domain, name: str
) -> None:
    domain.define(name)
    said = domain.start()
    assert "was not admitted on this host" in said
    assert f"limen adopt {domain.uuid}" in said
    assert not guarded.domains()[name].active

    domain.adopt()
    usage = guarded.usage()
    assert (usage["vms"], usage["memory"], usage["disk"]) == (1, 32 * MIB, MIB)
    assert domain.start() == ""
    assert guarded.domains()[name].active
    named = guarded.client.get_findings()["findings"]
    assert domain.uuid not in {each["identity"] for each in named}


def test_libvirt_itself_takes_no_name_with_a_newline(guarded: World, tmp_path: Path) -> None:
    """So no name can add lines to the reason; a UUID and escaped names are all that goes into it anyway."""
    file = tmp_path / "domain.xml"
    file.write_text(
        "<domain type='qemu'><name>two&#10;lines</name><memory unit='MiB'>32</memory>"
        "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
    )
    assert "invalid char in name" in guarded.refused("define", str(file))


def test_known_domains_start_while_the_control_plane_is_away_and_unknown_do_not(
    guarded: World, scanning_agent: HostAgent, domain: Domain, tmp_path: Path
) -> None:
    domain.define("known").adopt()
    wait_until(lambda: domain.uuid in scanning_agent.copy.read_text(), 90.0, "the copy knows it")
    unknown = Domain(guarded, tmp_path).define("unknown")
    guarded.authority.down()
    try:
        assert domain.start() == ""
        said = unknown.start()
        assert "was not admitted" in said
        assert "does not answer" in said
    finally:
        guarded.authority.up()
        unknown.remove()
