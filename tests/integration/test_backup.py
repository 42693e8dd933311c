"""limen-backup: what was backed up comes back, in another cluster as well, or nothing is touched."""

import itertools
import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from limen.ledger import Ledger
from limen.ledger.migrate import migrate
from limen.ledger.pool import Settings
from tests.contract.ledger.world import add_host, limits, request
from tests.lab.demo.layout import ROOT
from tests.lab.errors import LabError
from tests.lab.postgres import OWNER, SEEN_AT, Cluster, throwaway

SCRIPT = ROOT / "roles/postgres/files/limen_backup.py"
NUMBERS = itertools.count(1)
TABLES = ("projects", "limits", "claims", "items", "charges", "hosts", "users", "tokens", "audit")


@dataclass(frozen=True)
class Site:
    """A cluster with the command and its backups, which the user postgres sees below SEEN_AT."""

    cluster: Cluster

    def backup(self, *arguments: str) -> dict[str, object]:
        """Run limen-backup; its answer. Raises LabError with its words."""
        where = ("--host", SEEN_AT, "--port", str(self.cluster.port()))
        answer = self.cluster.as_owner("/usr/bin/python3", f"{SEEN_AT}/limen-backup", *where, *arguments)
        found: dict[str, object] = json.loads(answer)
        return found

    def take(self, keep: int = 5) -> str:
        """Take a backup; its folder as postgres sees it."""
        return str(self.backup("take", "--folder", f"{SEEN_AT}/backups", "--keep", str(keep))["backup"])

    def path(self, backup: str) -> Path:
        """The folder of a backup as we see it."""
        return self.cluster.folder / Path(backup).relative_to(SEEN_AT)

    def receive(self, other: "Site", backup: str) -> str:
        """Copy a backup of another site's here."""
        copy(other.path(backup), self.path(backup))
        return backup

    def contents(self, database: str = "limen") -> dict[str, list[str]]:
        """Every row of every table that matters, as text."""
        with psycopg.connect(self.url(database)) as connection:
            return {table: sorted(map(str, connection.execute(f"TABLE {table}"))) for table in TABLES}

    def url(self, database: str = "limen") -> str:
        return self.cluster.url.removesuffix("/limen") + f"/{database}"


def copy(source: Path, target: Path) -> None:
    """Copy a backup, for the user postgres."""
    shutil.copytree(source, target)
    for entry in (target, *target.iterdir()):
        shutil.chown(entry, OWNER, OWNER)


def a_site(folder: Path) -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.skip("the lab's PostgreSQL needs root: it runs as the user postgres in a mount namespace")
    with throwaway(folder / "pg") as cluster:
        script = cluster.folder / "limen-backup"
        shutil.copy(SCRIPT, script)
        script.chmod(0o755)
        (cluster.folder / "backups").mkdir(mode=0o700)
        shutil.chown(cluster.folder / "backups", OWNER, OWNER)
        yield Site(cluster)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster whose ledger has projects, limits, claims, users, a token and the audit of all that."""
    for site in a_site(tmp_path_factory.mktemp("old")):
        migrate(site.url())
        with Ledger.open(site.url(), Settings(idle=2)) as ledger:
            fill(ledger)
        yield site


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Site]:
    """A cluster that has never heard of Limen's roles, with an empty database."""
    yield from a_site(tmp_path)


def fill(ledger: Ledger) -> None:
    """Something of everything."""
    host = add_host(ledger)
    ledger.projects.create("team", None, "ada")
    ledger.projects.create("demo", "team", "ada")
    ledger.limits.put("team", limits(6), "ada")
    ledger.limits.put("demo", limits(4), "ada")
    ledger.users.create("eve", False, "ada")
    ledger.users.put_role("demo", "eve", "operator", "ada")
    for vms in (1, 2):
        ledger.claims.create(request("demo", host, vms), actor="eve")


def roles(site: Site) -> str:
    """Limen's roles in the cluster, and who is a member of them."""
    return site.cluster.psql(
        "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'limen%' ORDER BY 1;"
        "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members "
        "WHERE roleid::regrole::text LIKE 'limen%' ORDER BY 1, 2"
    )


def test_an_empty_cluster_gets_every_row_and_the_roles_back(old: Site, new: Site) -> None:
    before = old.contents()
    assert all(before[table] for table in ("projects", "limits", "claims", "items", "audit"))
    assert "limen_admit" not in roles(new)

    answer = new.backup("restore", new.receive(old, old.take()))

    assert answer["kept"] is None
    assert new.contents() == before
    assert roles(new) == roles(old)
    with Ledger.open(new.url(), Settings(idle=2)) as ledger:
        assert [entry.name for entry in ledger.projects.list()] == ["demo", "team"]
        ledger.projects.create("after", None, "ada")  # sequences and rights came along


def test_a_backup_taken_while_others_write_is_one_state(old: Site) -> None:
    ended = threading.Event()

    def write() -> None:
        with Ledger.open(old.url(), Settings(idle=2)) as ledger:
            number = 0
            while not ended.is_set():
                number += 1
                ledger.projects.create(f"busy-{number}", None, "ada")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        taken = old.take()
    finally:
        ended.set()
        writer.join()
    # The restore itself compares each table with what the manifest says of the same snapshot.
    old.backup("restore", taken, "--database", "quiet")
    assert len(old.contents()["projects"]) >= len(old.contents("quiet")["projects"]) >= 2


@pytest.fixture
def used(old: Site) -> str:
    """Name of a database in the same cluster with a project that is in no backup."""
    name = f"used_{next(NUMBERS)}"
    old.cluster.psql(f"CREATE DATABASE {name} OWNER limen")
    migrate(old.url(name))
    with Ledger.open(old.url(name), Settings(idle=2)) as ledger:
        ledger.projects.create("mine", None, "ada")
    return name


def test_a_full_database_is_refused_or_kept_beside(old: Site, used: str) -> None:
    taken, mine = old.take(), old.contents(used)

    with pytest.raises(LabError, match=r"not empty: say --replace"):
        old.backup("restore", taken, "--database", used)
    assert old.contents(used) == mine

    kept = str(old.backup("restore", taken, "--database", used, "--replace")["kept"])
    assert old.contents(used) == old.contents()
    assert old.contents(kept) == mine


def test_somebody_at_work_in_the_database_stops_the_restore(old: Site, used: str) -> None:
    taken, mine = old.take(), old.contents(used)
    with (
        psycopg.connect(old.url(used)),
        pytest.raises(LabError, match="is being accessed by other users"),
    ):
        old.backup("restore", taken, "--database", used, "--replace")
    assert old.contents(used) == mine
    assert "_restoring" not in old.cluster.psql("SELECT datname FROM pg_database")


@pytest.mark.parametrize("damage", ["a byte", "a row count"])
def test_a_damaged_backup_changes_nothing(old: Site, damage: str) -> None:
    taken = old.take()
    if damage == "a byte":
        dump = old.path(taken) / "database.dump"
        text = bytearray(dump.read_bytes())
        text[len(text) // 2] ^= 1
        dump.write_bytes(text)
        words = "is damaged"
    else:
        manifest = old.path(taken) / "manifest.json"
        known = json.loads(manifest.read_text())
        known["tables"]["public.audit"]["rows"] += 1
        manifest.write_text(json.dumps(known))
        words = r"differs from what was backed up in public\.audit"
    before = old.cluster.psql("SELECT datname FROM pg_database ORDER BY 1")
    with pytest.raises(LabError, match=words):
        old.backup("restore", taken, "--database", "damaged")
    assert old.cluster.psql("SELECT datname FROM pg_database ORDER BY 1") == before


def test_old_backups_go_and_nobody_else_reads_them(old: Site) -> None:
    folder = old.cluster.folder / "backups"
    earlier = old.path(old.take())
    for name in ("2020-01-01T00-00-00Z", "2020-01-02T00-00-00Z"):
        copy(earlier, folder / name)
    taken = old.take(keep=1)
    assert [entry.name for entry in folder.iterdir() if entry.is_dir()] == [Path(taken).name]
    modes = {entry.stat().st_mode & 0o777 for entry in old.path(taken).iterdir()}
    assert modes == {0o600}


def test_a_backup_that_fails_leaves_none_behind(old: Site) -> None:
    with pytest.raises(LabError, match="nowhere"):
        old.backup("take", "--database", "nowhere", "--folder", f"{SEEN_AT}/backups")
    assert not list((old.cluster.folder / "backups").glob(".draft*/manifest.json"))
