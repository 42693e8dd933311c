"""50 clients race; the checker replays every state that was committed. Seeds are printed."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from limen.ledger import Ledger
from limen.ledger.errors import Busy, Denied, Unavailable
from limen.ledger.pool import Settings
from limen.quota.model import UNLIMITED, Limit, Seen
from tests.contract.ledger import journal, racers
from tests.contract.ledger.checker import Report, check
from tests.contract.ledger.racers import Race
from tests.contract.ledger.variants import VARIANTS
from tests.contract.ledger.world import GIB, add_host, host_id, limits, plant, request
from tests.lab.postgres import Cluster

CLIENTS = 50
UNGROUPED = Settings(idle=CLIENTS, lanes=CLIENTS, group=1)
GROUPED = Settings(idle=4)


@pytest.fixture
def seed() -> str:
    """Printed, so that a run can be repeated: LIMEN_SEED=... pytest ..."""
    chosen = os.environ.get("LIMEN_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"LIMEN_SEED={chosen}")  # noqa: T201 (shown with a failure; -s shows it always)
    return chosen


@pytest.mark.parametrize("settings", [UNGROUPED, GROUPED], ids=["ungrouped", "grouped"])
def test_of_50_clients_one_gets_the_last_unit(database_url: str, settings: Settings) -> None:
    with Ledger.open(database_url, settings) as ledger:
        host = add_host(ledger)
        ledger.projects.create("team", None, "ada")
        ledger.projects.create("demo", "team", "ada")
        ledger.limits.put("team", limits(1000), "ada")
        for round_number in range(1, 6):
            ledger.limits.put("demo", limits(round_number), "ada")  # one more than is held
            outcomes: list[str] = []
            gate = threading.Barrier(CLIENTS)

            def client(gate: threading.Barrier = gate, outcomes: list[str] = outcomes) -> None:
                wanted = request("demo", host)
                gate.wait()
                try:
                    ledger.claims.create(wanted, "racer")
                except Denied as denied:
                    outcomes.append(denied.code)
                else:
                    outcomes.append("admitted")

            threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(outcomes) == ["admitted"] + ["quota_denied"] * (CLIENTS - 1)
        standing = {each.resource: each for each in ledger.limits.quota("team").resources}
        assert standing["vms"].reserved == 5
        assert standing["memory"].reserved == 5 * GIB


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_checker_catches_a_wrong_admission(
    database_url: str, variant: str, seed: str, tmp_path: Path
) -> None:
    report = _race_for_what_is_left(database_url, seed, tmp_path, variant)
    assert "over" in report.kinds(), f"{report.transactions} transactions"


def test_the_same_race_is_clean_when_the_admission_is_right(
    database_url: str, seed: str, tmp_path: Path
) -> None:
    report = _race_for_what_is_left(database_url, seed, tmp_path, None)
    assert report.violations == []
    assert report.created > 10


def test_nothing_is_over_lost_or_doubled_whatever_happens_at_once(
    database_url: str, cluster: Cluster, seed: str, tmp_path: Path
) -> None:
    """Upserts, releases, builds, resizes, transfers; limits, moves, scans, lapses; and random kills."""
    with Ledger.open(database_url) as ledger:
        for number in range(2):
            add_host(ledger, number, vms=60)
        leaves = plant(ledger, trees=3, leaf_vms=8, middle_vms=14, root_vms=24)
    journal.install(database_url)
    deadlocks = _deadlocks(cluster)
    log = tmp_path / "log"
    dice = random.Random(seed)
    end = time.monotonic() + 30

    def race(process: int) -> Race:
        grouped = Settings(idle=4) if process % 2 else Settings(idle=4, lanes=25, group=1)
        return Race(
            *(database_url, tuple(leaves), 2, CLIENTS // 2, end - time.monotonic()),
            *(f"{seed}/{dice.random()}", log, grouped, 2.0),
        )

    runners = [racers.start(race(process)) for process in range(2)]
    with Ledger.open(database_url) as ledger:
        moves = 0
        while time.monotonic() < end - 2:
            time.sleep(0.1)  # administrators are rare beside clients
            try:
                moves += _disturb(ledger, dice, leaves)
            except (Busy, Unavailable):
                continue  # our own connection may be the one that was terminated
            if dice.random() < 0.3:
                _terminate_one(database_url, dice)
            if dice.random() < 0.06:
                victim = dice.randrange(2)
                pid = runners[victim].pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                runners[victim].join()
                runners[victim] = racers.start(race(victim))
    for runner in runners:
        runner.join()

    lines = racers.lines(log)
    assert [line["error"] for line in lines if "error" in line] == []
    report = check(database_url, [line["created"] for line in lines if "created" in line])
    assert report.violations == []
    assert _deadlocks(cluster) == deadlocks
    did = {line["did"] for line in lines if "did" in line}
    assert did == {"_create", "_resize", "_transfer", "_build", "_settle", "_release", "_beat"}
    assert any("denied" in line for line in lines)
    assert moves > 0
    print(f"{report.transactions} transactions, {report.created} claims, {moves} moves replayed")  # noqa: T201


def _race_for_what_is_left(url: str, seed: str, folder: Path, variant: str | None) -> Report:
    """Clients without grouping create until long after two trees are full; their roots are what runs out."""
    with Ledger.open(url) as ledger:
        add_host(ledger)
        leaves = plant(ledger, trees=2, leaf_vms=100, middle_vms=100, root_vms=30)
    journal.install(url)
    log = folder / "log"
    runner = racers.start(
        Race(
            *(url, tuple(leaves), 1, CLIENTS, 3.0, seed, log, UNGROUPED),
            only_create=True,
            variant=variant,
            least=300,
        )
    )
    runner.join()
    lines = racers.lines(log)
    assert [line["error"] for line in lines if "error" in line] == []
    return check(url, [line["created"] for line in lines if "created" in line])


def _disturb(ledger: Ledger, number: random.Random, leaves: list[str]) -> int:
    """One thing that administrators, observers and clocks do meanwhile; 1 if it was a move of a project."""
    what = number.randrange(6)
    if what == 0:
        ledger.limits.put(number.choice(leaves), limits(number.randint(2, 10)), "ada")
    elif what == 1:
        middle = number.choice(leaves)[:-1]
        open_or_not = Limit(UNLIMITED) if number.random() < 0.5 else Limit(number.randint(5, 20))
        ledger.limits.put(middle, {"vms": open_or_not}, "ada")
    elif what == 2:
        ledger.projects.move(number.choice(leaves), number.choice(leaves)[:-1], "ada")
        return 1
    elif what == 3:
        ledger.claims.lapse()
    else:
        _scan(ledger, number)
    return 0


def _scan(ledger: Ledger, number: random.Random) -> None:
    """A scan that sees most of what is being built or was, sometimes in other sizes than claimed."""
    host = host_id(number.randrange(2))
    begun = ledger.observations.begin_scan(host)
    seen = []
    for claim in ledger.claims.list(host=host):
        for item in claim.items:
            if item.state == "reserved" or item.released or number.random() < 0.1:
                continue
            amounts = dict(item.claimed)
            if "memory" in amounts and number.random() < 0.1:
                amounts["memory"] = 3 * GIB
            seen.append(Seen(item.kind, item.identity, item.name, amounts))
    if number.random() < 0.3:
        seen.append(Seen("disk", "default/stray", "stray", {"disk": 10 * GIB}))
    ledger.observations.apply_scan(host, seen, begun)


def _terminate_one(url: str, number: random.Random) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        pids = [
            row[0]
            for row in connection.execute(
                """SELECT pid FROM pg_stat_activity WHERE application_name = 'limen'
                AND datname = current_database() ORDER BY state = 'active' DESC, pid LIMIT 5"""
            )
        ]
        if pids:
            connection.execute("SELECT pg_terminate_backend(%s)", (number.choice(pids),))


def _deadlocks(cluster: Cluster) -> int:
    """PostgreSQL writes each down at once; its statistics come later."""
    return (cluster.folder / "log").read_text().count("deadlock detected")
