"""NFS pools over the wire. Nothing serves NFS here: it is the share that cannot be mounted that is tried."""

from pathlib import Path

import pytest

from limen.hypervisor.connection import Connection
from tests.unit.provider.stack import make
from tests.unit.provider.wire import Provider, Refused


def _pools(conn: Connection) -> list[str]:
    return [pool.name() for pool in conn.run(lambda handle: handle.listAllStoragePools(0))]


def test_a_share_that_cannot_be_mounted_leaves_no_pool_that_no_state_knows(
    provider: Provider, conn: Connection, tmp_path: Path
) -> None:
    share = {"name": "shared", "server": "127.0.0.1", "export": "/export", "path": str(tmp_path / "mnt")}
    inputs = {"libvirtUri": conn.uri, **share}
    before = _pools(conn)
    with pytest.raises(Refused, match="mount"):
        make(provider, "NfsPool", inputs)
    assert _pools(conn) == before
    # Another share of that name is no conflict with what the first attempt left.
    with pytest.raises(Refused, match="mount"):
        make(provider, "NfsPool", {**inputs, "export": "/other"})
    assert _pools(conn) == before


@pytest.mark.parametrize("name", ["export", "path"])
def test_a_relative_path_is_refused_in_check(provider: Provider, conn: Connection, name: str) -> None:
    share = {"name": "shared", "server": "nas", "export": "/export", "path": "/mnt/shared"}
    _, failures = provider.of("NfsPool").check({"libvirtUri": conn.uri, **share, name: "relative"})
    assert list(failures) == [name]
