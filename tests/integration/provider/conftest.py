"""The provider against the real thing: limen-api on PostgreSQL, a libvirtd of the tests' own as its host."""

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from limen.client import Client
from limen.hypervisor.connection import Connection, connect
from tests.lab import libvirtd, netns
from tests.lab.instance import instance
from tests.lab.lab import Lab
from tests.lab.postgres import BIN, free_port
from tests.unit.provider.wire import Provider, running

HOST = "lab"
MakeDomain = Callable[..., str]
LIMITS = {
    "demo": {"vms": "4", "vcpus": "4", "memory": "4GiB", "disk": "40GiB", "networks": "1"},
    "other": {"vms": "1", "vcpus": "1", "memory": "1GiB"},
}
# The machine that runs the tests may be smaller than what the projects may use.
OVERCOMMIT: Any = {"vcpus": "16", "memory": "16", "disk": "16"}
OPERATOR_SCOPES = "quota:check,quota:read,claims:write"


@dataclass(frozen=True)
class Authority:
    """A running limen-api, the files that hold tokens for it, and its one host."""

    url: str
    operator_token: Path
    administrator_token: Path
    libvirt_uri: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LIMEN_API_URL": self.url,
            "LIMEN_TOKEN_FILE": str(self.operator_token),
            "LIMEN_LIBVIRT_URI": self.libvirt_uri,
        }

    def client(self, token: Path) -> Client:
        return Client(self.url, token.read_text().strip())


def _limen(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "-c", "from limen.cli import main; main()", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
    done = subprocess.run(
        command, env={**clean, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    missing = [what for what in ("libvirtd", "runuser", "ip") if shutil.which(what) is None]
    if os.geteuid() != 0 or missing or not BIN.is_dir():
        pytest.skip("needs root, and Debian's libvirt-daemon-system and postgresql-15")
    made = Lab(instance(f"pv{os.getpid() % 100000}"))
    try:
        made.instance.state.mkdir(parents=True)
        netns.up(made.instance)
        libvirtd.up(made.instance)
        made.cluster.up()
        yield made
    finally:
        libvirtd.down(made.instance)
        made.cluster.down()
        netns.down(made.instance)
        shutil.rmtree(made.instance.state, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    folder = tmp_path_factory.mktemp("authority")
    url = f"http://127.0.0.1:{free_port()}"
    operator, administrator = folder / "operator", folder / "administrator"
    database = {"LIMEN_DATABASE_URL_FILE": str(lab.cluster.url_file)}
    _limen("db", "migrate", **database)
    _limen("user", "create", "root", "--administrator", **database)
    _limen("token", "create", "root", "--scope", "admin", "--output", str(administrator), **database)
    command = (sys.executable, "-c", "from limen.api.main import main; main()", "--listen", url[7:])
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env={**clean, **database}, stdout=log, stderr=log)
    try:
        _await_ready(process, url, folder / "log")
        made = Authority(url, operator, administrator, lab.instance.libvirt_uri)
        _furnish(made, database)
        yield made
    finally:
        process.terminate()
        process.wait(20)


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    pytest.fail(f"limen-api is not ready:\n{log.read_text()}")


def _furnish(authority: Authority, database: dict[str, str]) -> None:
    _limen("user", "create", "developer", **database)
    scopes = ("--scope", OPERATOR_SCOPES, "--output", str(authority.operator_token))
    _limen("token", "create", "developer", *scopes, **database)
    with authority.client(authority.administrator_token) as client:
        client.add_host(authority.libvirt_uri, HOST, overcommit=OVERCOMMIT)
        for project, limits in LIMITS.items():
            client.create_project(project)
            client.set_limits(project, {name: {"hard": amount} for name, amount in limits.items()})
            client.set_member(project, "developer", "operator")


@pytest.fixture
def client(authority: Authority) -> Iterator[Client]:
    """As the operator; afterwards nothing is held any more."""
    with authority.client(authority.operator_token) as client:
        yield client
        for claim in client.list_claims():
            if claim["state"] == "held":
                client.release_claim(claim["id"], claim["generation"])
    with authority.client(authority.administrator_token) as administrator:
        administrator.scan_host(HOST)
        left = [claim["items"] for claim in administrator.list_claims() if claim["items"]]
        assert not left, json.dumps(left)


@pytest.fixture
def host(client: Client) -> str:
    return HOST


@pytest.fixture
def uri(authority: Authority) -> str:
    return authority.libvirt_uri


@pytest.fixture
def elsewhere() -> str:
    """Libvirt's in-process test driver: it answers, and is not the host."""
    return "test:///default"


@pytest.fixture(scope="session")
def shared_provider(authority: Authority) -> Iterator[Provider]:
    with running(authority.environment) as provider:
        yield provider


@pytest.fixture
def provider(client: Client, shared_provider: Provider) -> Provider:
    """Configured anew, as by each run of the engine."""
    shared_provider.engine.messages.clear()
    shared_provider.configure()
    return shared_provider


@pytest.fixture
def conn(lab: Lab) -> Iterator[Connection]:
    with connect(lab.instance.libvirt_uri) as connection:
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
