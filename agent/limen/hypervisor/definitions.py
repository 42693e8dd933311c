"""The definitions of a domain that a change has to reach: as it runs, and as it will start."""

import xml.etree.ElementTree as ET
from typing import Any

import libvirt

from limen.hypervisor import xmltools

LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_PERSISTENT_XML = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


def live(domain: Any) -> ET.Element:
    """A running domain as it runs."""
    return xmltools.parse(domain.XMLDesc(0))


def definitions(domain: Any) -> list[tuple[int, ET.Element]]:
    """Each with the flag that changes it, as far as the domain runs and is persistent.

    The live one comes first, since it is what may fail.
    """
    found = []
    if domain.isActive():
        found.append((LIVE, live(domain)))
    if domain.isPersistent():
        found.append((libvirt.VIR_DOMAIN_AFFECT_CONFIG, xmltools.parse(domain.XMLDesc(_PERSISTENT_XML))))
    return found
