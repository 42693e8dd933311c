"""What a host's agent may ask and tell, and what is made of it; the proxy to agents."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import TypeAdapter

from limen.api.schemas import answers
from limen.client import ApiError, QuotaDenied
from limen.quota.model import UNLIMITED, Limit, Seen, item_uuid

from .conftest import World

MIB = 2**20


@dataclass
class Agent:
    """A host's agent as the API sees it: a token and calls."""

    world: World
    http: httpx.Client

    def get(self, path: str, host: object = None) -> httpx.Response:
        return self.http.get(f"/api/hosts/{host or self.world.host}/{path}")

    def begin(self) -> str:
        return str(self.get("clock").json()["now"])

    def report(self, *things: dict[str, Any], host: object = None, **more: Any) -> httpx.Response:
        body = {"begun": more.pop("begun", None) or self.begin(), "things": list(things), **more}
        return self.http.post(f"/api/hosts/{host or self.world.host}/observations", json=body)


@pytest.fixture
def agent(world: World) -> Iterator[Agent]:
    with world.http(host_token(world)) as http:
        yield Agent(world, http)


def host_token(world: World) -> str:
    name = f"agent-{uuid4().hex[:8]}"
    with world.administrator() as client:
        client.create_user(name, administrator=True)  # its token has nothing of that
        return str(client.create_token(name, ["host:report"], 3600, host=world.host_name)["token"])


def vm(identity: str, memory: int = 256, name: str = "a", **more: Any) -> dict[str, Any]:
    amounts = {"vms": "1", "vcpus": "1", "memory": str(memory * MIB)}
    return {"kind": "vm", "identity": identity, "name": name, "amounts": amounts, **more}


def disk(volume: str, size: int = MIB) -> dict[str, Any]:
    name = volume.partition("/")[2]
    return {"kind": "disk", "identity": volume, "name": name, "amounts": {"disk": str(size)}}


def test_a_report_commits_charges_and_gives_back(world: World, agent: Agent) -> None:
    claim_id = str(uuid4())
    identity = str(item_uuid(claim_id, "vm:a"))
    sizes = {"vms": 1, "vcpus": 1, "memory": "256MiB"}
    with world.operator() as client, world.administrator() as administrator:
        client.create_claim(claim_id, **world.claim(world.item("a")))
        client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(world.host))
        done = agent.report(vm(identity))
        TypeAdapter(answers.ScanResult).validate_python(done.json())
        assert done.json()["committed"] == 1
        assert [item["state"] for item in client.get_claim(claim_id)["items"]] == ["committed"]

        # Grown behind everybody's back: charged, and named.
        assert agent.report(vm(identity, memory=400)).json()["changed"] == 1
        assert client.get_claim(claim_id)["charge"]["memory"] == str(400 * MIB)
        kinds = {each["identity"]: each["kind"] for each in administrator.get_findings()["findings"]}
        assert kinds[identity] == "drift"

        # A report that shrinks a charge says who reported.
        agent.report(vm(identity))
        entry = administrator.list_audit(world.demo, limit=1)[0]
        assert (entry["actor"], entry["action"]) == (f"agent of {world.host_name}", "claim.observe")
        assert entry["detail"]["before"]["memory"] == str(400 * MIB)

        client.settle_item(claim_id, "vm:a", wait_seconds=0)
        agent.report()
        assert client.get_claim(claim_id)["charge"] == {}
        host = administrator.get_host(world.host_name)
        assert host["reported"]
        assert host["reachable"] is True, "who reports is reachable, though limen-api can't connect"


def test_a_scan_that_began_earlier_says_nothing_about_later(world: World, agent: Agent) -> None:
    begun = agent.begin()
    identity = str(uuid4())
    agent.report(vm(identity))
    assert agent.report(begun=begun).json()["applied"] is False
    with world.administrator() as client:
        assert identity in {each["identity"] for each in client.get_findings()["findings"]}


def test_a_scan_can_not_begin_in_the_future(world: World, agent: Agent) -> None:
    later = (datetime.fromisoformat(agent.begin()) + timedelta(minutes=5)).isoformat()
    refused = agent.report(begun=later)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert "future" in refused.json()["detail"]


def test_pools_that_could_not_be_listed_keep_their_disks(world: World, agent: Agent) -> None:
    with world.administrator() as client:
        agent.report(disk("away/a"), disk("default/b"))
        for volume in ("away/a", "default/b"):
            thing = {"finding": f"orphan:{world.host}:disk:{volume}", "action": "adopt"}
            (result,) = client.repair([{**thing, "project": world.demo}])["results"]
            assert result["done"], result
        agent.report(unseen_pools=["away"])
        charged = {
            item["volume"]: item["observed"]
            for claim in client.list_claims(world.demo)
            for item in claim["items"]
        }
        assert charged == {"away/a": {"disk": str(MIB)}, "default/b": {}}


def test_a_token_is_good_for_one_host_alone(world: World, agent: Agent) -> None:
    other = uuid4()
    world.ledger.hosts.add(other, "qemu+unix:///x", f"other-{world.name}", {}, actor="test")
    for answer in (
        agent.get("clock", other),
        agent.get("admitted", other),
        agent.get(f"admitted/{uuid4()}", other),
        agent.get("projects", other),
        agent.report(vm(str(uuid4())), host=other),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "another host's" in answer.json()["detail"]
    for method, path in (
        ("GET", "/api/whoami"),
        ("GET", "/api/hosts"),
        ("GET", "/api/claims"),
        ("GET", "/api/tokens"),
        ("DELETE", f"/api/tokens/{uuid4()}"),
        ("GET", "/api/projects"),
        ("GET", f"/agent/{world.host}/metrics"),
    ):
        answer = agent.http.request(method, path)
        assert answer.status_code == 403, f"{method} {path}"
    with world.http(world.token("admin", administrator=True)) as http:
        assert http.get(f"/api/hosts/{world.host}/admitted").status_code == 403
    with world.administrator() as client:
        for scopes, more in (
            (["host:report"], {}),
            (["host:report", "claims:write"], {"host": str(world.host)}),
            (["admin"], {"host": str(world.host)}),
            (["host:report"], {"host": str(world.host), "projects": [world.demo]}),
        ):
            with pytest.raises(ApiError) as raised:
                client.create_token(f"user-{world.name}", scopes, 60, **more)
            assert raised.value.code in ("invalid", "not_found")


@pytest.mark.parametrize(
    ("thing", "path"),
    [
        (vm("not a uuid"), "things.0"),
        (vm(str(uuid4()).upper()), "things.0"),
        (vm(str(uuid4()), name="with \0 NUL"), "things.0.name"),
        ({**vm(str(uuid4())), "amounts": {"memory": "-1"}}, "things.0.amounts"),
        ({**vm(str(uuid4())), "amounts": {"memory": "NaN"}}, "things.0.amounts"),
        ({**vm(str(uuid4())), "kind": "pool"}, "things.0.kind"),
    ],
)
def test_what_can_not_be_is_refused_whole(
    world: World, agent: Agent, thing: dict[str, Any], path: str
) -> None:
    identity = str(uuid4())
    refused = agent.report(vm(identity), thing)
    assert refused.status_code == 422
    assert [error["path"].replace("things.1", "things.0") for error in refused.json()["errors"]] == [path]
    with world.administrator() as client:
        assert identity not in {each["identity"] for each in client.get_findings()["findings"]}


@pytest.mark.parametrize("name", ['it\'s "quoted"', "emoji \N{ROCKET}", "x" * 200, "line\nbreak"])
def test_libvirts_names_are_taken_as_they_are(world: World, agent: Agent, name: str) -> None:
    identity = str(uuid4())
    assert agent.report(vm(identity, name=name)).status_code == 200
    with world.administrator() as client:
        found = {each["identity"]: each["name"] for each in client.get_findings()["findings"]}
        assert found[identity] == name


def test_the_admitted_are_who_may_start(world: World, agent: Agent) -> None:
    claim_id, orphan = str(uuid4()), str(uuid4())
    identity = str(item_uuid(claim_id, "vm:a"))
    with world.operator() as client:
        client.create_claim(claim_id, **world.claim(world.item("a")))
        agent.report(vm(orphan))
        found = agent.get("admitted").json()
        TypeAdapter(answers.AdmittedDomains).validate_python(found)
        assert found["host"] == str(world.host)
        (domain,) = found["domains"]
        assert (domain["uuid"], domain["project"]) == (identity, world.demo)
        assert domain["amounts"] == {"vms": "1", "vcpus": "1", "memory": str(256 * MIB)}
        assert agent.get(f"admitted/{identity}").json() == domain
        assert agent.get(f"admitted/{orphan}").status_code == 404

        # What it was admitted for counts, not what it grew to; and what was given up is not admitted.
        agent.report(vm(identity, memory=400))
        assert agent.get(f"admitted/{identity}").json()["amounts"] == domain["amounts"]
        client.settle_item(claim_id, "vm:a", wait_seconds=0)
        assert agent.get("admitted").json()["domains"] == []


def test_projects_on_the_host_are_told_with_all_that_they_are_charged(world: World, agent: Agent) -> None:
    other = uuid4()
    capacity = {"vcpus": 8, "memory": 2**33}
    world.ledger.hosts.add(other, "qemu+unix:///y", f"else-{world.name}", capacity, actor="test")
    limits = {"memory": Limit(2**30, 2**29, timedelta(days=1)), "networks": Limit(UNLIMITED), "disk": None}
    world.ledger.limits.put(world.demo, limits, actor="test")
    with world.client("claims:write", role="operator", project=world.team) as client:
        assert agent.get("projects").json() == {"host": str(world.host), "projects": []}
        client.create_claim(str(uuid4()), **world.claim(world.item("a")))
        # Counts as well, unlike a project that holds nothing here.
        client.create_claim(str(uuid4()), **world.claim(world.item("b"), host=str(other)))
        client.create_claim(str(uuid4()), **world.claim(world.item("c"), host=str(other), project=world.team))
        found = agent.get("projects").json()
    TypeAdapter(answers.HostProjects).validate_python(found)
    (project,) = found["projects"]
    assert project["project"] == world.demo
    resources = project["resources"]
    assert resources["memory"] == {"hard": str(2**30), "soft": str(2**29), "charge": str(512 * MIB)}
    assert resources["networks"] == {"hard": "unlimited", "soft": None, "charge": "0"}
    assert resources["vms"] == {"hard": "2", "soft": None, "charge": "2"}
    assert "disk" not in resources


def test_a_domain_is_adopted_with_its_disks(world: World, agent: Agent) -> None:
    identity, name = str(uuid4()), f"old-{world.name}"
    volumes = ["a/root", "b/root"]
    agent.report(vm(identity, name=name, disks=volumes), *(disk(volume) for volume in [*volumes, "a/other"]))
    with world.administrator() as client, world.operator() as operator:
        with pytest.raises(ApiError) as refused:
            operator.adopt_domain(name, world.demo)
        assert refused.value.code == "forbidden"
        judged = client.adopt_domain(name, world.demo, check=True)
        assert judged["decision"]["allowed"]
        assert client.list_claims(world.demo) == []

        claim = client.adopt_domain(name, world.demo)
        TypeAdapter(answers.AdmittedClaim).validate_python(claim)
        assert claim["owner"] == {"kind": "adopted", "name": name}
        assert claim["charge"] == {"vms": "1", "vcpus": "1", "memory": str(256 * MIB), "disk": str(2 * MIB)}
        assert {item["volume"] for item in claim["items"]} == {None, *volumes}
        assert agent.get(f"admitted/{identity}").status_code == 200
        with pytest.raises(ApiError, match="claimed already"):
            client.adopt_domain(identity, world.demo)
        agent.report(vm(identity, name=name, disks=volumes), *(disk(volume) for volume in volumes))
        assert client.get_claim(claim["id"])["charge"] == claim["charge"]


def test_a_domain_that_does_not_fit_is_not_adopted(world: World, agent: Agent) -> None:
    identity = str(uuid4())
    agent.report(vm(identity, memory=4096))
    with world.administrator() as client:
        with pytest.raises(QuotaDenied, match="memory"):
            client.adopt_domain(identity, world.demo)
        assert client.list_claims(world.demo) == []
        with pytest.raises(ApiError, match="no domain 'nowhere' was seen"):
            client.adopt_domain("nowhere", world.demo)


def test_a_name_on_two_hosts_needs_the_host(world: World, agent: Agent) -> None:
    other, name = uuid4(), f"twin-{world.name}"
    capacity = {"vcpus": 8, "memory": 2**33}
    world.ledger.hosts.add(other, "qemu+unix:///x", f"twin-{world.name}", capacity, actor="test")
    twin = Seen("vm", str(uuid4()), name, {"vms": 1, "vcpus": 1, "memory": MIB})
    world.ledger.observations.apply_scan(other, [twin], world.ledger.observations.begin_scan(other))
    agent.report(vm(str(uuid4()), name=name))
    with world.administrator() as client:
        with pytest.raises(ApiError, match="on 2 hosts"):
            client.adopt_domain(name, world.demo)
        assert client.adopt_domain(name, world.demo, host=f"twin-{world.name}")["host"] == str(other)


@dataclass
class Upstream:
    """An agent that a test drives: it keeps what it was asked."""

    url: str = ""
    status: int = 200
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            self.send_response(made.status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Location", "/elsewhere")
            self.send_header("Set-Cookie", "a=b")
            self.end_headers()
            self.wfile.write(b"up 1\n")

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


def test_the_proxy_passes_on_the_answer_and_nothing_of_the_request(world: World, upstream: Upstream) -> None:
    with world.administrator() as client:
        client.set_agent(world.host_name, upstream.url)
    token = world.token("quota:read", administrator=True)
    with world.http(token) as http:
        answer = http.get(f"/agent/{world.host_name}/metrics?x=1", headers={"Cookie": "c=d", "X-Own": "e"})
        assert (answer.status_code, answer.text) == (200, "up 1\n")
        assert answer.headers["content-type"].startswith("text/plain")
        assert "set-cookie" not in answer.headers
        ((path, headers),) = upstream.asked
        assert path == "/metrics"
        assert token not in str(headers)
        assert not {"cookie", "x-own", "authorization"} & {name.lower() for name in headers}

        for path in ("", "v1/other", "metrics/", "%2e%2e%2fhealthz"):
            assert http.get(f"/agent/{world.host_name}/{path}").status_code == 404
        assert http.post(f"/agent/{world.host_name}/metrics").status_code == 405
        for status in (302, 401, 500):
            upstream.status = status
            refused = http.get(f"/agent/{world.host_name}/metrics")
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


def test_the_proxy_is_for_administrators_and_for_agents_that_are_known(
    world: World, upstream: Upstream
) -> None:
    path = f"/agent/{world.host_name}/metrics"
    with world.http("none") as http:
        assert http.get(path).status_code == 401
    with world.http(world.token("quota:read", role="owner")) as http:
        assert http.get(path).status_code == 403
    with world.administrator() as client, world.http(world.token("admin", administrator=True)) as http:
        assert "limen host agent" in http.get(path).json()["detail"]
        client.set_agent(world.host_name, "http://127.0.0.1:9")
        assert http.get(path).json()["code"] == "unavailable"
        client.set_agent(world.host_name, None)
        assert http.get(path).status_code == 404
        for url in (
            "http://host.example:9000",
            "file:///etc/passwd",
            "https://a:b@host",
            "https://host/path",
        ):
            with pytest.raises(ApiError) as raised:
                client.set_agent(world.host_name, url)
            assert raised.value.code == "invalid"
    assert upstream.asked == []
