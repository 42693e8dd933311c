"""A libvirt host whose figures limen-agent serves, and what tests read in them.

A conftest.py that imports the fixtures gives them to the tests beside it.
"""

import subprocess
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.hypervisor.connection import connect
from limen.hypervisor.xmltools import unparse
from tests.contract.hypervisors import hypervisor
from tests.lab import processes
from tests.lab.instance import Instance
from tests.world.serving import Serving, samples, serving

LIMIT = 5.0


def uri(lab: Instance) -> str:
    """The read-only socket: the agent may look and do nothing."""
    return f"qemu+unix:///system?socket={lab.state}/run/libvirt-sock-ro"


class Domains:
    """Domains of a test, gone with `remove`."""

    def __init__(self, lab: Instance) -> None:
        self._uri = lab.libvirt_uri
        self._made: list[str] = []

    def __call__(self, name: str, project: str = "demo", owner: str = "ann", paused: bool = False) -> str:
        """Define one of 16 MiB; `paused` starts it. Its UUID."""
        identity = str(uuid.uuid4())
        root = ET.Element("domain", type="qemu")
        ET.SubElement(root, "name").text = name
        ET.SubElement(root, "uuid").text = identity
        ET.SubElement(
            ET.SubElement(root, "metadata"), "{urn:limen:domain:1}item", owner=owner, project=project
        )
        ET.SubElement(root, "memory", unit="MiB").text = "16"
        ET.SubElement(root, "vcpu").text = "1"
        ET.SubElement(ET.SubElement(root, "os"), "type", arch="x86_64", machine="pc").text = "hvm"
        ET.SubElement(root, "cpu", mode="maximum")
        with connect(self._uri) as conn:
            conn.run(lambda handle: handle.defineXML(unparse(root)))
            self._made.append(identity)
            if paused:
                conn.run(lambda handle: handle.lookupByUUIDString(identity).createWithFlags(1))
        return identity

    def remove(self) -> None:
        for identity in self._made:
            for verb in ("destroy", "undefine"):
                argv = ["virsh", "-q", "-c", self._uri, verb, identity]
                subprocess.run(argv, capture_output=True, check=False)


@pytest.fixture(scope="module")
def lab() -> Iterator[Instance]:
    """A libvirt of the module's own."""
    with hypervisor("ag") as made:
        yield made


@pytest.fixture
def define(lab: Instance) -> Iterator[Domains]:
    """Defines domains there."""
    made = Domains(lab)
    yield made
    made.remove()


@pytest.fixture
def agent(lab: Instance, tmp_path: Path) -> Iterator[Serving]:
    """An agent that is connected to that libvirt."""
    with serving(tmp_path / "log", "--libvirt-uri", uri(lab), "--scrape-timeout", str(LIMIT)) as made:
        processes.wait_until(lambda: succeeds(made), 30, "the agent's connection to libvirt")
        yield made


def succeeds(agent: Serving, collector: str = "domains") -> bool:
    """Whether a scrape says so of the collector."""
    return ({"collector": collector}, 1.0) in samples(agent.text(), "limen_agent_collector_success")


def timed(agent: Serving) -> str:
    """A scrape; raises AssertionError if it takes longer than its limit."""
    begun = time.monotonic()
    text = agent.text()
    assert time.monotonic() - begun < LIMIT
    return text


def complete(text: str) -> dict[str, float]:
    """By domain, whether all of its figures are there."""
    return {labels["domain"]: value for labels, value in samples(text, "limen_domain_complete")}
