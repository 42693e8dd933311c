"""Networks with a VLAN, on a bridge of Open vSwitch."""

import shutil
from collections.abc import Iterator

import pytest

from limen.hypervisor import xmltools
from tests.integration.sdk.conftest import PROJECT
from tests.lab import openvswitch
from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

BRIDGE = "limenovs0"


@pytest.fixture
def bridge(roomy: World) -> Iterator[str]:
    """A bridge of the host's own; libvirt tags the ports that it plugs in there."""
    if missing := [program for program in openvswitch.PROGRAMS if shutil.which(program) is None]:
        pytest.skip(
            f"{', '.join(missing)} missing: Debian's openvswitch-switch, `python3 -m tests.lab packages`"
        )
    lab = roomy.lab.instance
    openvswitch.up(lab)
    openvswitch.add_bridge(lab, BRIDGE)
    yield BRIDGE
    openvswitch.down(lab)


def tags(world: World, name: str) -> list[int | None]:
    """The VLANs of the VM's cards, in their order, as the switch has them."""
    tree = xmltools.parse(world.virsh("dumpxml", name))
    ports = [each.attrib["dev"] for each in tree.findall("devices/interface/target")]
    return [openvswitch.tag(world.lab.instance, port) for port in ports]


def test_guests_are_in_the_vlan_of_their_network(roomy: World, bridge: str, stack: Stack) -> None:
    networks = {
        "blue": {"mode": "bridge", "bridge": bridge, "vlan": 42},
        "green": {"mode": "bridge", "bridge": bridge, "vlan": 43},
    }
    vms = {"one": guests.vm(networks=["blue"]), "two": guests.vm(networks=["blue", "green"])}
    document = roomy.document(vms, networks=networks)
    stack.configure(document, PROJECT)
    stack.up().require()
    assert tags(roomy, f"{stack.name}-one") == [42]
    assert tags(roomy, f"{stack.name}-two") == [42, 43]
    stack.preview("--expect-no-changes").require()
    stack.refresh("--expect-no-changes").require()

    # Only a guest that lets go of its card is moved while it runs: libvirt plugs it in anew.
    document["vms"]["one"]["networks"] = ["green"]
    stack.configure(document, PROJECT)
    outcome = stack.up()
    assert outcome.code != 0
    said = " ".join(outcome.output.split())
    assert "has not let go of the card" in said, said
    assert tags(roomy, f"{stack.name}-one") == [42]
    roomy.virsh("destroy", f"{stack.name}-one")
    stack.up().require()
    roomy.virsh("start", f"{stack.name}-one")
    assert tags(roomy, f"{stack.name}-one") == [43]
    agree(roomy, stack)
