"""The agent's figures of a real libvirt, read by promtool and a real Prometheus."""

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from pydantic import TypeAdapter

from limen.agent.documents import DomainsDocument, HealthDocument, SystemDocument
from limen.hypervisor.connection import connect
from limen.hypervisor.xmltools import unparse
from tests.contract.hypervisors import hypervisor
from tests.lab import libvirtd, processes
from tests.lab.instance import Instance
from tests.lab.ports import free
from tests.world.serving import Serving, samples, serving

LIMIT = 5.0
ROCKET = 'say "hi" \\ \N{ROCKET}'
LONG = "l" * 200
Define = Callable[..., str]


@pytest.fixture(scope="module")
def lab() -> Iterator[Instance]:
    with hypervisor("ag") as made:
        yield made


def uri(lab: Instance) -> str:
    """The read-only socket: the agent may look and do nothing."""
    return f"qemu+unix:///system?socket={lab.state}/run/libvirt-sock-ro"


@pytest.fixture
def define(lab: Instance) -> Iterator[Define]:
    """Define a domain of 16 MiB; `paused` starts it."""
    made: list[str] = []

    def work(name: str, project: str = "demo", owner: str = "ann", paused: bool = False) -> str:
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
        with connect(lab.libvirt_uri) as conn:
            conn.run(lambda handle: handle.defineXML(unparse(root)))
            made.append(identity)
            if paused:
                conn.run(lambda handle: handle.lookupByUUIDString(identity).createWithFlags(1))
        return identity

    yield work
    for identity in made:
        for verb in ("destroy", "undefine"):
            argv = ["virsh", "-q", "-c", lab.libvirt_uri, verb, identity]
            subprocess.run(argv, capture_output=True, check=False)


@pytest.fixture
def agent(lab: Instance, tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path / "log", "--libvirt-uri", uri(lab), "--scrape-timeout", str(LIMIT)) as made:
        processes.wait_until(lambda: _succeeds(made), 30, "the agent's connection to libvirt")
        yield made


def _succeeds(agent: Serving, collector: str = "domains") -> bool:
    return ({"collector": collector}, 1.0) in samples(agent.text(), "limen_agent_collector_success")


def _timed(agent: Serving) -> str:
    begun = time.monotonic()
    text = agent.text()
    assert time.monotonic() - begun < LIMIT
    return text


def _complete(text: str) -> dict[str, float]:
    return {labels["domain"]: value for labels, value in samples(text, "limen_domain_complete")}


def test_odd_names_and_owners(agent: Serving, define: Define) -> None:
    identity = define(ROCKET, project="team", owner="two\nlines", paused=True)
    define(LONG)
    # A domain that has just been started is busy for a moment.
    processes.wait_until(lambda: _complete(agent.text()) == {ROCKET: 1, LONG: 1}, 30, "all figures")

    text = agent.text()

    said = subprocess.run(
        ["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, b"", b"")
    states = {labels["domain"]: labels for labels, _ in samples(text, "limen_domain_state")}
    assert set(states) == {ROCKET, LONG}
    assert states[ROCKET] == {
        "domain": ROCKET,
        "uuid": identity,
        "project": "team",
        "owner": "two\nlines",
        "state": "paused",
    }
    assert states[LONG]["state"] == "shutoff"
    (rss,) = samples(text, "limen_domain_memory_rss_bytes")
    assert rss[1] > 2**20


def test_an_owner_that_changes_is_seen(agent: Serving, define: Define, lab: Instance) -> None:
    identity = define("web", project="old")
    assert samples(agent.text(), "limen_domain_state")[0][0]["project"] == "old"

    new = "<item owner='bob' project='new'/>"
    libvirtd.virsh(lab, "metadata", identity, "urn:limen:domain:1", "--key", "limen", "--set", new)

    processes.wait_until(
        lambda: samples(agent.text(), "limen_domain_state")[0][0]["project"] == "new", 10, "the new project"
    )


def test_documents_are_what_their_schema_says(agent: Serving, define: Define) -> None:
    define("web", paused=True)

    domains = TypeAdapter(DomainsDocument).validate_python(agent.document("/v1/domains"))
    system = TypeAdapter(SystemDocument).validate_python(agent.document("/v1/system"))
    TypeAdapter(HealthDocument).validate_python(agent.document("/healthz"))

    assert [(each.name, each.project, each.state) for each in domains.domains] == [("web", "demo", "paused")]
    assert all(state.success for state in system.collectors.values())
    assert system.pools is not None
    assert [pool.name for pool in system.pools.pools] == ["default"]


def test_calls_do_not_grow_with_domains(lab: Instance, define: Define, tmp_path: Path) -> None:
    """Counted in libvirt's own log of what its client sends."""
    calls = tmp_path / "calls"
    logged = {"LIBVIRT_LOG_FILTERS": "1:rpc.netclient", "LIBVIRT_LOG_OUTPUTS": f"1:file:{calls}"}
    with serving(tmp_path / "log", "--libvirt-uri", uri(lab), environment=logged) as agent:
        processes.wait_until(lambda: _succeeds(agent), 30, "the agent's connection to libvirt")

        def of_a_scrape() -> int:
            agent.text()  # asks once for the metadata of what is new
            before = calls.read_text().count("RPC_CLIENT_MSG_TX_QUEUE")
            agent.text()
            return calls.read_text().count("RPC_CLIENT_MSG_TX_QUEUE") - before

        define("first")
        few = of_a_scrape()
        for number in range(20):
            define(f"more-{number}")
        assert of_a_scrape() == few > 0


def test_prometheus_answers_for_one_project(agent: Serving, define: Define, tmp_path: Path) -> None:
    define("web", project="demo", paused=True)
    define("db", project="other", paused=True)
    port = free("127.0.0.1")
    config = tmp_path / "prometheus.yml"
    target = {"targets": [agent.address]}
    scraped = {
        "job_name": "limen",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [target],
    }
    config.write_text(json.dumps({"scrape_configs": [scraped]}))
    argv = ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    argv += [f"--storage.tsdb.path={tmp_path / 'data'}", "--log.level=error"]
    query = quote('sum by (project) (limen_domain_cpu_seconds_total{project="demo"})')

    def answer() -> list[dict[str, object]]:
        try:
            url = f"http://127.0.0.1:{port}/api/v1/query?query={query}"
            with urlopen(url, timeout=10) as found:
                return list(json.load(found)["data"]["result"])
        except OSError:
            return []  # it is still starting

    with (tmp_path / "prometheus.log").open("wb") as log, subprocess.Popen(argv, stderr=log) as prometheus:
        try:
            processes.wait_until(lambda: bool(answer()), 60, "an answer of Prometheus")
            (found,) = answer()
            assert found["metric"] == {"project": "demo"}
        finally:
            prometheus.kill()


def test_a_qemu_that_hangs_is_passed_over(agent: Serving, define: Define, lab: Instance) -> None:
    define("stopped", paused=True)
    define("fine", paused=True)
    assert _complete(agent.text()) == {"stopped": 1, "fine": 1}
    qemu = next(p for p in libvirtd.members(lab) if "guest=stopped," in _command_line(p.pid))
    os.kill(qemu.pid, signal.SIGSTOP)
    try:
        _timed(agent)  # it may have to find out
        assert _complete(_timed(agent)) == {"stopped": 0, "fine": 1}
    finally:
        os.kill(qemu.pid, signal.SIGCONT)
    processes.wait_until(lambda: _complete(agent.text()) == {"stopped": 1, "fine": 1}, 30, "all figures")


def test_libvirtd_killed_and_started_again(agent: Serving, define: Define, lab: Instance) -> None:
    define("web", paused=True)
    daemon = libvirtd.pid_of(lab, "libvirtd")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    processes.wait_until(lambda: libvirtd.pid_of(lab, "libvirtd") is None, 10, "the end of libvirtd")
    try:
        processes.wait_until(lambda: not _succeeds(agent), 10, "a scrape that says what is missing")
        text = _timed(agent)
        assert samples(text, "node_load1")
        assert not samples(text, "limen_domain_state")
        assert "domains" in agent.document("/healthz")["failing"]
        assert "not available" in agent.document("/v1/system")["collectors"]["pools"]["error"]
    finally:
        libvirtd.up(lab)
    processes.wait_until(lambda: _complete(agent.text()) == {"web": 1}, 30, "the domains")


def test_libvirtd_stopped(agent: Serving, lab: Instance) -> None:
    daemon = libvirtd.pid_of(lab, "libvirtd")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        text = _timed(agent)
        assert ({"collector": "domains"}, 0.0) in samples(text, "limen_agent_collector_success")
        assert samples(text, "node_load1")
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    processes.wait_until(lambda: _succeeds(agent), 60, "libvirt")


def test_a_full_disk(tmp_path: Path) -> None:
    """Its own log stands on it."""
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        with serving(folder / "log", "--libvirt-uri", "none", "--log-level", "debug") as agent:
            with contextlib.suppress(OSError):
                (folder / "fill").write_bytes(b"x" * 2**17)
            free = {labels["mountpoint"]: value for labels, value in _free(_timed(agent))}
            assert free[str(folder)] == 0
            assert _succeeds(agent, "filesystems")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _free(text: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for labels, value in samples(text, "node_filesystem_avail_bytes")]


def test_sigterm_ends_it_at_once(agent: Serving) -> None:
    agent.text()
    agent.process.terminate()

    assert agent.process.wait(2) == 0


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
