"""The agent's figures of a real libvirt, read by promtool and a real Prometheus."""

import json
import subprocess
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from pydantic import TypeAdapter

from limen.agent.documents import DomainsDocument, HealthDocument, SystemDocument
from tests.lab import libvirtd, processes
from tests.lab.instance import Instance
from tests.lab.ports import free
from tests.world.metered import Domains, complete, succeeds, uri
from tests.world.serving import Serving, samples, serving

ROCKET = 'say "hi" \\ \N{ROCKET}'
LONG = "l" * 200


def test_odd_names_and_owners(agent: Serving, define: Domains) -> None:
    identity = define(ROCKET, project="team", owner="two\nlines", paused=True)
    define(LONG)
    # A domain that has just been started is busy for a moment.
    processes.wait_until(lambda: complete(agent.text()) == {ROCKET: 1, LONG: 1}, 30, "all figures")

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


def test_an_owner_that_changes_is_seen(agent: Serving, define: Domains, lab: Instance) -> None:
    identity = define("web", project="old")
    assert samples(agent.text(), "limen_domain_state")[0][0]["project"] == "old"

    new = "<item owner='bob' project='new'/>"
    libvirtd.virsh(lab, "metadata", identity, "urn:limen:domain:1", "--key", "limen", "--set", new)

    processes.wait_until(
        lambda: samples(agent.text(), "limen_domain_state")[0][0]["project"] == "new", 10, "the new project"
    )


def test_documents_are_what_their_schema_says(agent: Serving, define: Domains) -> None:
    define("web", paused=True)

    domains = TypeAdapter(DomainsDocument).validate_python(agent.document("/v1/domains"))
    system = TypeAdapter(SystemDocument).validate_python(agent.document("/v1/system"))
    TypeAdapter(HealthDocument).validate_python(agent.document("/healthz"))

    assert [(each.name, each.project, each.state) for each in domains.domains] == [("web", "demo", "paused")]
    assert all(state.success for state in system.collectors.values())
    assert system.pools is not None
    assert [pool.name for pool in system.pools.pools] == ["default"]


def test_calls_do_not_grow_with_domains(lab: Instance, define: Domains, tmp_path: Path) -> None:
    """Counted in libvirt's own log of what its client sends."""
    calls = tmp_path / "calls"
    logged = {"LIBVIRT_LOG_FILTERS": "1:rpc.netclient", "LIBVIRT_LOG_OUTPUTS": f"1:file:{calls}"}
    with serving(tmp_path / "log", "--libvirt-uri", uri(lab), environment=logged) as agent:
        processes.wait_until(lambda: succeeds(agent), 30, "the agent's connection to libvirt")

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


def test_prometheus_answers_for_one_project(agent: Serving, define: Domains, tmp_path: Path) -> None:
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


def test_sigterm_ends_it_at_once(agent: Serving) -> None:
    agent.text()
    agent.process.terminate()

    assert agent.process.wait(10) == 0
