"""The provider against the real thing: limen-api on PostgreSQL, a libvirtd of the tests' own as its host."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest

from limen.client import Client
from limen.hypervisor.connection import Connection, connect
from tests.lab.postgres import BIN
from tests.unit.provider.wire import Provider, running
from tests.world.world import World, world

MakeDomain = Callable[..., str]
LIMITS = {
    "demo": {"vms": "4", "vcpus": "4", "memory": "4GiB", "disk": "40GiB", "networks": "1"},
    "other": {"vms": "1", "vcpus": "1", "memory": "1GiB"},
}


@pytest.fixture(scope="session")
def authority() -> Iterator[World]:
    """A world of these tests' own: the scenarios count on the limits of their projects."""
    missing = [what for what in ("libvirtd", "runuser", "ip") if shutil.which(what) is None]
    if os.geteuid() != 0 or missing or not BIN.is_dir():
        pytest.skip("needs root and the lab's Debian packages: python3 -m tests.lab packages")
    with world(limits=LIMITS["demo"]) as made:
        made.project("other", LIMITS["other"])
        yield made


@pytest.fixture
def client(authority: World) -> Iterator[Client]:
    """As the operator; afterwards nothing is held any more."""
    with authority.operator() as client:
        yield client
        for claim in client.list_claims():
            if claim["state"] == "held":
                client.release_claim(claim["id"], claim["generation"])
    authority.client.scan_host(authority.host)
    left = [claim["items"] for claim in authority.claims()]
    assert not left, json.dumps(left)


@pytest.fixture(scope="session")
def host(authority: World) -> str:
    """The name of the host."""
    return str(authority.client.get_host(authority.host)["name"])


@pytest.fixture
def uri(authority: World) -> str:
    return authority.uri


@pytest.fixture
def elsewhere() -> str:
    """Libvirt's in-process test driver: it answers, and is not the host."""
    return "test:///default"


@pytest.fixture(scope="session")
def shared_provider(authority: World) -> Iterator[Provider]:
    with running(authority.environment) as provider:
        yield provider


@pytest.fixture
def provider(client: Client, shared_provider: Provider) -> Provider:
    return shared_provider.begin()


@pytest.fixture
def conn(uri: str) -> Iterator[Connection]:
    with connect(uri) as connection:
        yield connection


@pytest.fixture
def domain(conn: Connection) -> Iterator[MakeDomain]:
    """Makes domains without a system, off or paused, of 1 vCPU and 64 MiB that can grow to 2 and 128 MiB."""
    made: list[str] = []

    def create(paused: bool = False, devices: str = "") -> str:
        identity = str(uuid.uuid4())
        text = (
            f"<domain type='qemu'><name>web-{identity[:4]}</name><uuid>{identity}</uuid>"
            "<memory unit='MiB'>128</memory><currentMemory unit='MiB'>64</currentMemory>"
            "<vcpu current='1'>2</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>"
            f"<cpu mode='maximum'/><features><acpi/></features><devices>{devices}</devices></domain>"
        )
        conn.run(lambda handle: handle.defineXML(text))
        made.append(identity)
        if paused:
            conn.run(lambda handle: handle.lookupByUUIDString(identity).createWithFlags(1))
        return identity

    yield create
    for identity in made:
        for verb in ("destroy", "undefine"):
            subprocess.run(["virsh", "-q", "-c", conn.uri, verb, identity], capture_output=True, check=False)


@pytest.fixture
def volume(conn: Connection) -> Iterator[Callable[..., str]]:
    """Makes volumes of the pool default: MiB -> name."""
    made: list[str] = []

    def create(mib: int = 8) -> str:
        name = f"data-{uuid.uuid4().hex[:6]}"
        argv = [
            "virsh",
            "-q",
            "-c",
            conn.uri,
            "vol-create-as",
            "default",
            name,
            f"{mib}M",
            "--format",
            "qcow2",
        ]
        subprocess.run(argv, capture_output=True, check=True)
        made.append(name)
        return name

    yield create
    for name in made:
        argv = ["virsh", "-q", "-c", conn.uri, "vol-delete", name, "--pool", "default"]
        subprocess.run(argv, capture_output=True, check=True)


@pytest.fixture
def networks(conn: Connection) -> Iterator[tuple[str, str]]:
    """Two networks with DHCP, 10.77.1.0/24 and 10.77.2.0/24."""
    names = [f"net-{uuid.uuid4().hex[:6]}" for _ in range(2)]
    for number, name in enumerate(names, 1):
        text = (
            f"<network><name>{name}</name><bridge name='br{name[4:]}'/><ip address='10.77.{number}.1' "
            f"netmask='255.255.255.0'><dhcp><range start='10.77.{number}.100' end='10.77.{number}.200'/>"
            "</dhcp></ip></network>"
        )
        conn.run(lambda handle, text=text: handle.networkDefineXML(text).create())
    yield names[0], names[1]
    for name in names:
        for verb in ("net-destroy", "net-undefine"):
            subprocess.run(["virsh", "-q", "-c", conn.uri, verb, name], capture_output=True, check=True)
