"""The lab's PostgreSQL: safe passwords, and whatever kills it, it comes back with what was committed."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.lab import processes
from tests.lab.postgres import Cluster, throwaway


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster below pytest's folder, which the user postgres cannot enter."""
    if os.geteuid() != 0:
        pytest.skip("the lab's PostgreSQL needs root: it runs as the user postgres in a mount namespace")
    with throwaway(tmp_path_factory.mktemp("cluster") / "pg") as made:
        yield made


def fetch(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_the_login_is_no_superuser_and_commits_are_safe(cluster: Cluster) -> None:
    assert fetch(cluster.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert fetch(cluster.url, "SHOW fsync") == "on"
    assert cluster.psql("SELECT left(rolpassword, 13) FROM pg_authid WHERE rolname = 'limen'").strip() == (
        "SCRAM-SHA-256"
    )


def test_the_password_is_for_its_owner_alone_and_in_no_command_line(cluster: Cluster) -> None:
    assert cluster.url_file.stat().st_mode & 0o777 == 0o600
    wrong = cluster.url.replace("limen:", "limen:x", 1)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        fetch(wrong, "SELECT 1")
    password = cluster.url.split(":")[2].split("@")[0]
    for process in processes.everyone():
        try:
            assert password.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_what_was_committed_survives_sigkill(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postmaster = cluster.process()
    assert postmaster is not None
    os.kill(postmaster.pid, signal.SIGKILL)
    processes.wait_until(lambda: not processes.alive(postmaster), 5, "its end")
    assert cluster.up()
    assert fetch(cluster.url, "SELECT answer FROM kept") == 42
    assert not cluster.up()


def test_a_port_that_another_took_meanwhile_is_left_to_it(cluster: Cluster) -> None:
    before = cluster.port()
    cluster.down()
    assert cluster.members() == []
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before))
        other.listen()
        cluster.up()
    assert cluster.port() != before
    assert fetch(cluster.url, "SELECT 1") == 1
