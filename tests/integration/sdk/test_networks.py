"""Every kind of network, and cards that come, go and move while the VM stays."""

import subprocess
from collections.abc import Iterator

import pytest

from limen.hypervisor import xmltools
from tests.integration.sdk.conftest import PROJECT, outputs
from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

BRIDGE = "limenbr0"
THEIRS = "handmade"
NETWORKS = {
    "out": {
        "mode": "routed",
        "cidr": "10.70.0.0/24",
        "domain": "lab.test",
        "hosts": {"db.lab.test": "10.70.0.9"},
    },
    "quiet": {"mode": "isolated", "cidr": "10.70.1.0/24", "dhcp": False, "dns": False},
    "wire": {"mode": "bridge", "bridge": BRIDGE},
}


@pytest.fixture
def bridge(roomy: World) -> Iterator[None]:
    """A bridge of the host's own."""
    inside = ["ip", "-n", roomy.lab.instance.namespace, "link"]
    subprocess.run([*inside, "add", BRIDGE, "type", "bridge"], check=True)
    yield
    subprocess.run([*inside, "delete", BRIDGE], check=True)


@pytest.fixture
def theirs(roomy: World) -> Iterator[str]:
    """A network that somebody made by hand."""
    definition = roomy.layout.dot / "handmade.xml"
    definition.write_text(f"<network><name>{THEIRS}</name><bridge name='limenbr1'/></network>")
    roomy.virsh("net-create", str(definition))
    yield THEIRS
    if THEIRS in roomy.virsh("net-list", "--name").split():
        roomy.virsh("net-destroy", THEIRS)


def cards(world: World, stack: Stack) -> list[str | None]:
    """The networks of the VM's cards, in the order of the slots, live."""
    return [card.network for card in world.domains()[f"{stack.name}-web-1"].interfaces]


def reservations(world: World, network: str) -> dict[str, str]:
    """Address -> MAC of a network's DHCP host entries."""
    tree = xmltools.parse(world.virsh("net-dumpxml", network))
    return {host.attrib["ip"]: host.attrib["mac"] for host in tree.findall("ip/dhcp/host")}


def test_every_kind_of_network(roomy: World, bridge: None, stack: Stack, theirs: str) -> None:
    networks = {**NETWORKS, "theirs": {"mode": "existing", "libvirt_name": theirs}}
    first = [{"network": "out", "address": "10.70.0.20"}, "quiet", "wire", "theirs"]
    vm = guests.vm(networks=first)
    stack.configure(roomy.document({"web-1": vm}, networks=networks), PROJECT)
    stack.up().require()
    own = {name: f"{stack.name}-{name}" for name in NETWORKS}
    uuid = roomy.domains()[f"{stack.name}-web-1"].uuid
    assert cards(roomy, stack) == [own["out"], own["quiet"], own["wire"], theirs]
    # What others made is nobody's charge.
    assert roomy.usage(PROJECT) == {**guests.ONE, "networks": 3}
    out = xmltools.parse(roomy.virsh("net-dumpxml", own["out"]))
    assert [each.get("mode") for each in out.findall("forward")] == ["route"]
    assert [each.get("name") for each in out.findall("domain")] == ["lab.test"]
    [host] = out.findall("dns/host")
    assert (host.get("ip"), host.findtext("hostname")) == ("10.70.0.9", "db.lab.test")
    assert list(reservations(roomy, own["out"])) == ["10.70.0.20"]
    quiet = xmltools.parse(roomy.virsh("net-dumpxml", own["quiet"]))
    assert quiet.find("forward") is None
    assert quiet.find("ip/dhcp") is None
    wire = xmltools.parse(roomy.virsh("net-dumpxml", own["wire"]))
    assert [each.get("name") for each in wire.findall("bridge")] == [BRIDGE]
    found = outputs(stack)
    assert found["vms"]["web-1"]["address"] == "10.70.0.20"
    stack.preview("--expect-no-changes").require()
    stack.refresh("--expect-no-changes").require()

    # Cards move between networks and get other addresses; a new one is plugged in, all of it live.
    second = [{"network": "out", "address": "10.70.0.30"}, "wire", "quiet", "wire", "quiet"]
    stack.configure(roomy.document({"web-1": {**vm, "networks": second}}, networks=NETWORKS), PROJECT)
    stack.up().require()
    domain = roomy.domains()[f"{stack.name}-web-1"]
    assert domain.uuid == uuid
    assert cards(roomy, stack) == [own[name] for name in ("out", "wire", "quiet", "wire", "quiet")]
    assert list(reservations(roomy, own["out"])) == ["10.70.0.30"]
    assert outputs(stack)["vms"]["web-1"]["address"] == "10.70.0.30"
    roomy.virsh("net-destroy", theirs)
    agree(roomy, stack)

    # Who has no fixed address here has none to show: not that of the network it left.
    third = ["quiet", {"network": "out", "address": "10.70.0.30"}]
    stack.configure(roomy.document({"web-1": {**vm, "networks": third}}, networks=NETWORKS), PROJECT)
    roomy.virsh("destroy", domain.name)
    stack.up().require()
    assert cards(roomy, stack) == [own["quiet"], own["out"]]
    [mac] = reservations(roomy, own["out"]).values()
    assert mac == roomy.domains()[domain.name].interfaces[1].mac
    agree(roomy, stack)
