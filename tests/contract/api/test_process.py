"""limen-api as a process: starting, refusing to start, logs, metrics, a database that goes away, ending."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from limen.client import Client
from tests.lab.postgres import Cluster
from tests.lab.processes import wait_until

from .conftest import ApiProcess, World

# On a machine that does a lot of other things at the same time.
SECONDS = 60.0


@pytest.fixture
def own(database_url: str) -> Iterator[ApiProcess]:
    """A limen-api of this test's own, on the shared database."""
    process = ApiProcess(("--listen", "127.0.0.1:0"), {"LIMEN_DATABASE_URL": database_url})
    process.start()
    yield process
    if process.process is not None and process.process.poll() is None:
        process.kill()


def refused(*arguments: str, **environment: str) -> str:
    """The message of a limen-api that must not start."""
    done = subprocess.run(
        [sys.executable, "-c", "from limen.api.main import main; main()", *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_help_says_where_the_database_comes_from() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from limen.api.main import main; main()", "--help"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "API_LISTEN", "API_LOG_LEVEL", "API_SCAN_INTERVAL"):
        assert f"LIMEN_{name}" in done.stdout
    assert "127.0.0.1:18443" in done.stdout


def test_options_are_judged_before_what_serves_is_loaded() -> None:
    loaded = "import sys; import limen.api.main; print({'fastapi', 'uvicorn', 'psycopg'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True) == "set()\n"


def test_a_service_is_set_up_with_the_file_of_the_database_alone(cluster: Cluster, tmp_path: Path) -> None:
    """What a role does before the first start: migrate, make the administrator, give it a token; twice."""
    cluster.psql("CREATE DATABASE service OWNER limen")
    secret, token = tmp_path / "database-url", tmp_path / "token"
    secret.write_text(cluster.url.removesuffix("/limen") + "/service\n")
    environment = {"PATH": "/usr/bin:/bin", "LIMEN_DATABASE_URL_FILE": str(secret)}

    def limen(*arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-c", "from limen.cli import main; main()", *arguments, "--json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    changes = []
    for _ in range(2):
        migration = limen("db", "migrate")
        user = limen("user", "create", "root", "--administrator", "--if-missing")
        changes.append((migration["before"] != migration["current"], user["changed"]))
    assert changes == [(True, True), (False, False)]
    limen("token", "create", "root", "--scope", "admin", "--output", str(token))
    settings = {"LIMEN_API_LISTEN": "127.0.0.1:0", "LIMEN_API_LOG_LEVEL": "debug"}
    process = ApiProcess((), {**settings, "LIMEN_DATABASE_URL_FILE": str(secret)})
    process.start()
    try:
        with Client(process.url, token.read_text().strip()) as client:
            assert client.whoami()["administrator"] is True
    finally:
        assert process.stop() == 0


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "10.1.2.3:18443", "[::]:0"])
def test_it_does_not_listen_beyond_loopback_in_clear(listen: str) -> None:
    assert "--behind-proxy" in refused("--listen", listen, LIMEN_DATABASE_URL="postgresql://nowhere")


@pytest.mark.parametrize("listen", ["18443", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ""])
def test_a_bad_address_is_named(listen: str) -> None:
    assert "no address to listen on" in refused("--listen", listen, LIMEN_DATABASE_URL="postgresql://nowhere")


def test_without_a_database_it_says_so() -> None:
    assert "LIMEN_DATABASE_URL" in refused("--listen", "127.0.0.1:0")
    message = refused(
        "--listen",
        "127.0.0.1:0",
        LIMEN_DATABASE_URL="postgresql://limen:s3cret@127.0.0.1:1/limen?connect_timeout=2",
    )
    assert "database" in message
    assert "s3cret" not in message
    assert "Traceback" not in message


def test_a_database_that_is_not_migrated(cluster: Cluster) -> None:
    cluster.psql("CREATE DATABASE bare OWNER limen")
    url = cluster.url.removesuffix("/limen") + "/bare"
    assert "limen db migrate" in refused("--listen", "127.0.0.1:0", LIMEN_DATABASE_URL=url)


def test_sigterm_ends_it_promptly_while_somebody_waits(own: ApiProcess, world: World) -> None:
    token = world.token("claims:write", role="operator")
    claim_id = str(uuid4())
    with Client(own.url, token) as client:
        client.create_claim(claim_id, **world.claim(world.item("a")))
        sizes = {"vms": 1, "vcpus": 1, "memory": "256MiB"}
        client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(world.host))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.settle_item, claim_id, "vm:a", 60.0)
            with httpx.Client(base_url=own.url, trust_env=False) as http:
                claims = world.ledger.claims
                wait_until(
                    lambda: claims.get(claims.list(world.demo)[0].id).items[0].released, SECONDS, "given up"
                )
                assert http.get("/healthz").status_code == 200
            # It has 20 s for that, a third of what somebody waits for.
            assert own.stop() == 0
            assert waiting.result(10)["state"] == "lapsing"
    assert [line for line in own.log if "Traceback" in line] == []


def test_an_idle_api_rests(own: ApiProcess) -> None:
    assert own.process is not None
    task = Path(f"/proc/{own.process.pid}/task/{own.process.pid}/status")

    def wakes() -> int:
        (line,) = (line for line in task.read_text().splitlines() if line.startswith("voluntary"))
        return int(line.split()[1])

    httpx.get(f"{own.url}/readyz", trust_env=False)
    spans = []
    # What the request and the start left to do is over after some seconds, later on a busy machine.
    while not spans or (spans[-1] > 4 and len(spans) < 10):
        before = wakes()
        time.sleep(1)  # the span in which wakes are counted
        spans.append(wakes() - before)
    assert spans[-1] <= 4, f"wakes in each second: {spans}; uvicorn's own loop wakes ten times in each"
    assert httpx.get(f"{own.url}/healthz", trust_env=False).headers["Date"]


def test_a_killed_api_loses_nothing(own: ApiProcess, world: World) -> None:
    token = world.token("claims:write", role="operator")
    claim_id = str(uuid4())
    with Client(own.url, token) as client:
        client.create_claim(claim_id, **world.claim(world.item("a")))
    own.kill()
    with Client(world.api.url, token) as client:
        assert client.get_claim(claim_id)["charge"]["vms"] == "1"


def test_a_database_that_goes_away_and_comes_back(cluster: Cluster, world: World) -> None:
    cluster.psql("CREATE DATABASE away TEMPLATE limen OWNER limen")
    process = ApiProcess(
        ("--listen", "127.0.0.1:0"), {"LIMEN_DATABASE_URL": cluster.url.removesuffix("/limen") + "/away"}
    )
    process.start()
    try:
        with httpx.Client(base_url=process.url, trust_env=False, timeout=20) as http:
            assert http.get("/readyz").json() == {"status": "ready"}
            cluster.psql("ALTER DATABASE away ALLOW_CONNECTIONS false")
            cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away'")
            away = http.get("/readyz")
            assert (away.status_code, away.json()["code"]) == (503, "unavailable")
            assert away.headers["Retry-After"]
            refused = http.get("/api/whoami", headers={"Authorization": "Bearer limen_x"})
            assert (refused.status_code, refused.json()["code"] in ("unavailable", "busy")) == (503, True)
            assert http.get("/healthz").status_code == 200
            cluster.psql("ALTER DATABASE away ALLOW_CONNECTIONS true")
            wait_until(lambda: http.get("/readyz").status_code == 200, SECONDS, "ready again")
    finally:
        assert process.stop() == 0


def test_the_log_is_json_with_request_ids_and_without_tokens(world: World) -> None:
    token = world.token("quota:read", role="viewer")
    with world.http(token) as http:
        named = http.get(f"/api/projects/{world.demo}/quota", headers={"X-Request-Id": f"test-{world.name}"})
        unnamed = http.get("/api/whoami?token=limen_in-the-query", headers={"X-Request-Id": "bad id\t!"})
    assert named.headers["X-Request-Id"] == f"test-{world.name}"
    assert unnamed.headers["X-Request-Id"] not in ("", "bad id\t!")
    lines = [json.loads(line) for line in world.api.log]
    line = next(line for line in lines if line.get("request_id") == f"test-{world.name}")
    assert (line["event"], line["status"], line["method"]) == ("request", 200, "GET")
    assert token not in "".join(world.api.log)
    assert "limen_in-the-query" not in "".join(world.api.log)


def test_metrics(world: World) -> None:
    with world.operator() as client:
        client.create_claim(str(uuid4()), **world.claim(world.item("a")))
    with world.http("none") as http:
        text = http.get("/metrics").text
    for name in (
        'limen_http_requests_total{method="POST",route="/api/claims",status="201"}',
        'limen_admissions_total{outcome="admitted"}',
        "limen_admission_seconds_bucket",
        "limen_host_up",
        'limen_database_pool{state="open"}',
    ):
        assert name in text
    assert world.demo not in text


def test_answers_are_not_held_up_by_the_network(world: World) -> None:
    """Without TCP_NODELAY every answer with a body takes 40 ms at least; a busy machine holds up most."""
    times = [1.0]
    with world.client("quota:check", role="viewer") as client:
        while min(times) >= 0.035 and len(times) < 500:
            started = time.monotonic()
            client.explain(world.demo, amounts={"vms": 1})
            times.append(time.monotonic() - started)
    assert min(times) < 0.035


def test_answers_older_than_a_day_are_forgotten(database_url: str) -> None:
    """A limen-api forgets them when it starts, and every hour after that."""
    old, fresh = uuid4(), uuid4()
    with psycopg.connect(database_url, autocommit=True) as connection:
        for claim_id, hours in ((old, 25), (fresh, 23)):
            connection.execute(
                "INSERT INTO answers (claim_id, key, request, answer, created) "
                "VALUES (%s, 'user/key', '', '{}', now() - make_interval(hours => %s))",
                (claim_id, hours),
            )
        own = ApiProcess(("--listen", "127.0.0.1:0"), {"LIMEN_DATABASE_URL": database_url})
        own.start()
        try:
            query = "SELECT claim_id FROM answers WHERE claim_id = ANY(%s)"
            wait_until(
                lambda: connection.execute(query, ([old, fresh],)).fetchall() == [(fresh,)],
                SECONDS,
                "the old answer goes, the fresh one stays",
            )
        finally:
            own.stop()
