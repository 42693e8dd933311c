"""Migrating, and what the three roles may do."""

import multiprocessing
import subprocess
import sys
from importlib.resources import files

import psycopg
import pytest
from alembic.script import ScriptDirectory

from limen.ledger import Ledger
from limen.ledger.errors import Unavailable
from limen.ledger.migrate import migrate
from limen.ledger.version import newest, status
from tests.lab.postgres import Cluster


def _empty(cluster: Cluster, name: str) -> str:
    cluster.psql(f"CREATE DATABASE {name} OWNER limen")
    return cluster.url.removesuffix("/limen") + f"/{name}"


def test_an_empty_database_is_brought_to_the_head_and_stays_there(cluster: Cluster) -> None:
    url = _empty(cluster, "fresh")
    assert status(url).current is None
    with pytest.raises(Unavailable, match="run `limen db migrate`"):
        Ledger.open(url)
    first = migrate(url)
    assert first.up_to_date
    assert migrate(url) == first == status(url)
    with Ledger.open(url) as ledger:
        ledger.ready()


def test_databases_of_one_cluster_can_be_migrated_at_once_by_several(cluster: Cluster) -> None:
    urls = [_empty(cluster, f"raced_{number}") for number in range(3)]
    context = multiprocessing.get_context("spawn")
    runners = [context.Process(target=migrate, args=(url,)) for url in urls * 2]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert [runner.exitcode for runner in runners] == [0] * 6
    assert all(status(url).up_to_date for url in urls)


def test_the_newest_is_what_alembic_takes_for_it() -> None:
    assert newest() == ScriptDirectory(str(files("limen.ledger.migrations"))).get_current_head()


def test_who_only_asks_the_ledger_does_not_load_what_migrates_it() -> None:
    loaded = "import sys; import limen.api.serving; print({'alembic', 'sqlalchemy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True) == "set()\n"


def test_a_database_that_is_not_there_is_unavailable(cluster: Cluster) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        migrate(cluster.url.removesuffix("/limen") + "/nowhere")


@pytest.mark.parametrize("role", ["limen_admit", "limen_admin", "limen_read", "limen"])
@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_nobody_changes_the_audit_log(ledger: Ledger, database_url: str, role: str, change: str) -> None:
    ledger.projects.create("demo", None, "ada")
    with psycopg.connect(database_url) as connection:
        connection.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(change)
    assert [entry.actor for entry in ledger.audit.list()] == ["ada"]


@pytest.mark.parametrize(
    ("role", "change"),
    [
        ("limen_admit", "UPDATE limits SET hard = 1"),
        ("limen_admit", "INSERT INTO users (name) VALUES ('eve')"),
        ("limen_admit", "UPDATE capacities SET capacity = 1"),
        ("limen_read", "UPDATE limits SET used = 0"),
        ("limen_read", "INSERT INTO claims DEFAULT VALUES"),
        ("limen_read", "DELETE FROM tokens"),
    ],
)
def test_a_role_does_no_more_than_its_work(database_url: str, role: str, change: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(f"SET LOCAL ROLE {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(change)
