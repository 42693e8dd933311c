"""Real parts for contract tests."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.ledger import Ledger
from limen.ledger.migrate import migrate
from limen.ledger.pool import Settings
from tests.lab.postgres import Cluster

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of the tests' own, fsync on, with the migrated database `limen` as a template."""
    with tempfile.TemporaryDirectory(prefix="limen-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the user postgres must get through
        server = Cluster(folder / "pg")
        server.up()
        try:
            migrate(server.url)
            yield server
        finally:
            server.down()


@pytest.fixture
def database_url(cluster: Cluster) -> str:
    """A migrated, empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    cluster.psql(f"CREATE DATABASE {name} TEMPLATE limen OWNER limen")
    return cluster.url.removesuffix("/limen") + f"/{name}"


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """The ledger of `database_url`."""
    with Ledger.open(database_url, Settings(idle=2)) as opened:
        yield opened
