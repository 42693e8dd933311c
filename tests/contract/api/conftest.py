"""A real limen-api process on a PostgreSQL cluster of its own, spoken to over HTTP."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from limen.client import Client
from limen.ledger import Ledger
from limen.quota.model import Seen
from tests.lab.postgres import Cluster

START_SECONDS = 120


@dataclass
class ApiProcess:
    """`limen-api` as a process; its log is JSON lines."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: list[str] = field(default_factory=list)
    url: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start on a free port and wait until it says that it listens."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from limen.api.main import main; main()", *self.arguments],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        listening = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(listening,))
        self._reader.start()
        assert listening.wait(START_SECONDS), "\n".join(self.log)
        assert self.url, "\n".join(self.log)

    def _read(self, listening: threading.Event) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.log.append(line.rstrip())
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("event") == "listening":
                    self.url = f"http://{event['address']}"
                    listening.set()
        listening.set()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(20)
        self._reader.join()
        return code

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        self._reader.join()


@pytest.fixture(scope="session")
def database_url(cluster: Cluster) -> str:
    """One migrated database for all tests here: their projects, users and hosts have names of their own."""
    cluster.psql("CREATE DATABASE api TEMPLATE limen OWNER limen")
    # Nobody pulls this server's plug, and waiting for the disk would be most of these tests' time.
    cluster.psql("ALTER DATABASE api SET synchronous_commit = off")
    return cluster.url.removesuffix("/limen") + "/api"


@pytest.fixture(scope="session")
def ledger(database_url: str) -> Iterator[Ledger]:
    """The same ledger, spoken to directly: what a host's scan or another limen-api would do."""
    with Ledger.open(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def api(database_url: str) -> Iterator[ApiProcess]:
    process = ApiProcess(
        ("--listen", "127.0.0.1:0", "--scan-interval", "3600", "--sweep-interval", "0.3"),
        {"LIMEN_DATABASE_URL": database_url},
    )
    process.start()
    yield process
    process.stop()


@dataclass
class World:
    """A fresh tree `team > demo`, users and a host without libvirt, for one test."""

    api: ApiProcess
    ledger: Ledger
    name: str
    host: UUID
    host_name: str

    @property
    def team(self) -> str:
        return f"team-{self.name}"

    @property
    def demo(self) -> str:
        return f"demo-{self.name}"

    def token(
        self,
        *scopes: str,
        user: str | None = None,
        role: str | None = None,
        project: str | None = None,
        administrator: bool = False,
        projects: list[str] | None = None,
    ) -> str:
        """A token of a new user with `role` in `project` (demo)."""
        name = user or f"user-{uuid4().hex[:8]}"
        if user is None:
            self.ledger.users.create(name, administrator, actor="test")
        if role is not None:
            self.ledger.users.put_role(project or self.demo, name, role, actor="test")  # type: ignore[arg-type]
        return self.ledger.tokens.issue(name, scopes, projects, timedelta(hours=1), actor="test")[1]

    def client(self, *scopes: str, **options: Any) -> Client:
        return Client(self.api.url, self.token(*scopes, **options))

    def administrator(self) -> Client:
        return self.client("admin", administrator=True)

    def operator(self) -> Client:
        return self.client("claims:write", role="operator")

    def http(self, token: str) -> httpx.Client:
        """For requests that the typed client can't make."""
        return httpx.Client(
            base_url=self.api.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
        )

    def item(self, name: str, **amounts: int | str) -> dict[str, Any]:
        sizes = {"vms": 1, "vcpus": 1, "memory": "256MiB", **amounts}
        return {"key": f"vm:{name}", "kind": "vm", "name": name, "amounts": sizes}

    def claim(self, *items: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Keyword arguments of `create_claim`."""
        return {
            "project": self.demo,
            "owner": {"kind": "stack", "name": "web"},
            "fingerprint": {"backend": "file:///tmp/state", "project": "vm_stack", "stack": "dev"},
            "host": str(self.host),
            "items": list(items),
            **changed,
        }

    def scan(self, *seen: Seen) -> None:
        """What a scan of the host shows now."""
        begun = self.ledger.observations.begin_scan(self.host)
        self.ledger.observations.apply_scan(self.host, seen, begun)


LIMITS = {"vms": "2", "vcpus": "2", "memory": "1GiB", "disk": "9GiB", "networks": "1"}


@pytest.fixture
def world(api: ApiProcess, ledger: Ledger) -> World:
    name = uuid4().hex[:8]
    host = uuid4()
    made = World(api, ledger, name, host, f"host-{name}")
    # Nothing listens there: libvirt's part is tested against a real libvirtd.
    uri = f"qemu+unix:///system?socket=/nowhere/{name}"
    capacity = {"vcpus": 64, "memory": 64 * 2**30, "disk": 2**40}
    ledger.hosts.add(host, uri, made.host_name, capacity, actor="test")
    ledger.projects.create(made.team, None, actor="test")
    ledger.projects.create(made.demo, made.team, actor="test")
    with made.administrator() as client:
        client.set_limits(made.team, {resource: {"hard": "unlimited"} for resource in LIMITS})
        client.set_limits(made.demo, {resource: {"hard": limit} for resource, limit in LIMITS.items()})
    return made
