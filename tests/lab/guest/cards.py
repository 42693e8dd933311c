"""A container's network card: one end of a pair, the other end on the bridge that VMs are on as well."""

from tests.lab import netns
from tests.lab.guest import documents
from tests.lab.instance import Instance

CARD = "eth0"


def connect(lab: Instance, namespace: str, bridge: str, slot: int) -> None:
    """Make the container's namespace with a card of the slot's address in it; raises LabError."""
    inside, outside = ("-n", namespace), ("-n", lab.namespace)
    address = f"{documents.address_of(slot)}/{documents.SUBNET.prefixlen}"
    other_end = f"guest{slot}"
    netns.ip("netns", "add", namespace)
    netns.ip(*outside, "link", "add", other_end, "type", "veth", "peer", "name", CARD, "netns", namespace)
    netns.ip(*outside, "link", "set", other_end, "master", bridge, "up")
    netns.ip(*inside, "link", "set", "lo", "up")
    netns.ip(*inside, "link", "set", CARD, "address", documents.mac_of(slot), "up")
    netns.ip(*inside, "address", "add", address, "dev", CARD)
    netns.ip(*inside, "route", "add", "default", "via", str(documents.SUBNET[1]))
