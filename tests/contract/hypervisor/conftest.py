"""A hypervisor of the tests' own: real libvirtd and QEMU in namespaces, gone afterwards."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from limen.hypervisor.connection import Connection, connect
from tests.contract.hypervisors import hypervisor
from tests.lab.instance import Instance

MakeDomain = Callable[..., str]


@pytest.fixture(scope="session")
def lab() -> Iterator[Instance]:
    with hypervisor("hv") as made:
        yield made


@pytest.fixture
def conn(lab: Instance) -> Iterator[Connection]:
    with connect(lab.libvirt_uri) as connection:
        yield connection


@pytest.fixture
def pool(conn: Connection, tmp_path: Path) -> Iterator[str]:
    """An active dir pool in the test's own folder, which is `tmp_path / "pool"`."""
    name = f"pool-{uuid.uuid4().hex[:8]}"
    (tmp_path / "pool").mkdir()
    text = f"<pool type='dir'><name>{name}</name><target><path>{tmp_path / 'pool'}</path></target></pool>"

    def remove() -> None:
        found = conn.run(lambda handle: handle.storagePoolLookupByName(name))
        if found.isActive():
            found.destroy()
        found.undefine()

    conn.run(lambda handle: handle.storagePoolDefineXML(text, 0).create(0))
    yield name
    remove()


@pytest.fixture
def network(conn: Connection) -> Iterator[Callable[..., str]]:
    """Makes isolated networks: name -> UUID."""
    made: list[str] = []

    def make(name: str, metadata: str = "") -> str:
        identity = str(uuid.uuid4())
        text = (
            f"<network><name>{name}</name><uuid>{identity}</uuid>"
            f"<metadata>{metadata}</metadata><bridge name='br-{identity[:8]}'/></network>"
        )
        conn.run(lambda handle: handle.networkDefineXML(text).create())
        made.append(identity)
        return identity

    yield make
    for identity in made:
        for verb in ("net-destroy", "net-undefine"):
            subprocess.run(["virsh", "-q", "-c", conn.uri, verb, identity], capture_output=True, check=False)


@pytest.fixture
def domain(conn: Connection) -> Iterator[MakeDomain]:
    """Makes domains of 64 MiB without a system; `paused` starts them (a paused guest answers nothing)."""
    made: list[str] = []

    def make(
        name: str,
        devices: str = "",
        memory: str = "<memory unit='MiB'>64</memory>",
        vcpu: str = "<vcpu>1</vcpu>",
        metadata: str = "",
        paused: bool = False,
        machine: str = "pc",
        boot: str = "",
    ) -> str:
        identity = str(uuid.uuid4())
        text = (
            f"<domain type='qemu'><name>{name}</name><uuid>{identity}</uuid><metadata>{metadata}</metadata>"
            f"{memory}{vcpu}<os><type arch='x86_64' machine='{machine}'>hvm</type>{boot}</os>"
            f"<cpu mode='maximum'/><features><acpi/></features><devices>{devices}</devices></domain>"
        )
        conn.run(lambda handle: handle.defineXML(text))
        made.append(identity)
        if paused:
            conn.run(lambda handle: handle.lookupByUUIDString(identity).createWithFlags(1))
        return identity

    yield make
    for identity in made:
        subprocess.run(["virsh", "-q", "-c", conn.uri, "destroy", identity], capture_output=True, check=False)
        argv = ["virsh", "-q", "-c", conn.uri, "undefine", identity, "--snapshots-metadata", "--nvram"]
        subprocess.run(argv, capture_output=True, check=False)


@pytest.fixture
def volume(conn: Connection, pool: str) -> Callable[..., str]:
    """Makes volumes of 8 MiB in `pool`: name -> path."""

    def make(name: str, format_: str = "qcow2", backing: str | None = None, mib: int = 8) -> str:
        argv = ["virsh", "-q", "-c", conn.uri, "vol-create-as", pool, name, f"{mib}M", "--format", format_]
        if backing:
            argv += ["--backing-vol", backing, "--backing-vol-format", "qcow2"]
        subprocess.run(argv, capture_output=True, check=True)
        found = conn.run(lambda handle: handle.storagePoolLookupByName(pool).storageVolLookupByName(name))
        return str(found.path())

    return make
