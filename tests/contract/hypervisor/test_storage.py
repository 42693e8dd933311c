"""Volumes that grow, images that are imported, NFS pools."""

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from limen.hypervisor import images, pools
from limen.hypervisor.connection import Connection, connect
from limen.hypervisor.errors import HypervisorError, NotFound, Refused
from limen.hypervisor.model import VolumeSeen
from limen.hypervisor.observe import scan
from limen.hypervisor.volumes import find_volume, grow_volume
from tests.contract.hypervisor.conftest import MakeDomain
from tests.contract.hypervisor.pieces import disk

MIB = 2**20


def capacity(conn: Connection, pool: str, name: str) -> int:
    found = find_volume(conn, pool, name)
    assert found is not None
    return found.capacity


def test_a_volume_that_nobody_uses_grows_and_never_shrinks(
    conn: Connection, pool: str, volume: Callable[..., str]
) -> None:
    volume("data")
    assert grow_volume(conn, pool, "data", 16 * MIB) == "offline"
    assert grow_volume(conn, pool, "data", 16 * MIB) == "none"
    with pytest.raises(Refused, match="cannot shrink to 8MiB"):
        grow_volume(conn, pool, "data", 8 * MIB)
    assert capacity(conn, pool, "data") == 16 * MIB
    with pytest.raises(NotFound, match="no volume none"):
        grow_volume(conn, pool, "none", MIB)
    assert find_volume(conn, pool, "none") is None


@pytest.mark.parametrize("format_", ["qcow2", "raw"])
def test_a_volume_in_use_grows_live(
    conn: Connection, pool: str, domain: MakeDomain, volume: Callable[..., str], format_: str
) -> None:
    uuid = domain("web", devices=disk(volume("data", format_), format_=format_), paused=True)
    assert grow_volume(conn, pool, "data", 16 * MIB) == "live"
    assert capacity(conn, pool, "data") == 16 * MIB
    (seen,) = (found for found in scan(conn).domains if found.uuid == uuid)
    assert [found.capacity for found in seen.disks] == [16 * MIB], "QEMU shows its guest the new size"


@pytest.fixture
def image(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "64M"], check=True)
    with path.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(os.urandom(4 * MIB))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_image_is_imported_once(conn: Connection, pool: str, image: tuple[Path, str]) -> None:
    source, sha256 = image
    steps: list[tuple[int, int]] = []
    made = images.ensure_image(conn, pool, source, sha256, lambda done, total: steps.append((done, total)))
    length = source.stat().st_size
    assert (made.name, made.format, made.capacity) == (f"limen-image-{sha256}.qcow2", "qcow2", 64 * MIB)
    assert steps[-1] == (length, length)
    assert hashlib.sha256(Path(made.path).read_bytes()).hexdigest() == sha256
    steps.clear()
    assert images.ensure_image(conn, pool, source, sha256, lambda *step: steps.append(step)) == made
    assert steps == []
    assert images.find_image(conn, pool, sha256, length) == made
    assert [(found.role, found.name) for found in scan(conn).volumes] == [("image", made.name)]


def test_an_upload_that_was_cut_off_is_begun_again(
    conn: Connection, pool: str, image: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, sha256 = image
    made = images.ensure_image(conn, pool, source, sha256)
    os.truncate(made.path, 3 * MIB)
    assert images.find_image(conn, pool, sha256, source.stat().st_size) is None
    monkeypatch.setattr(images, "STALL_SECONDS", 1.0)
    assert images.ensure_image(conn, pool, source, sha256) == made
    assert Path(made.path).read_bytes() == source.read_bytes()


def test_an_image_that_was_written_to_is_not_deleted(
    conn: Connection, pool: str, image: tuple[Path, str]
) -> None:
    source, sha256 = image
    made = images.ensure_image(conn, pool, source, sha256)
    with Path(made.path).open("ab") as file:
        file.write(b"data of somebody's")
    with pytest.raises(Refused, match="a domain has written to it"):
        images.ensure_image(conn, pool, source, sha256)
    assert Path(made.path).exists()


def test_two_at_once_import_one_image(conn: Connection, pool: str, image: tuple[Path, str]) -> None:
    source, sha256 = image
    made: list[VolumeSeen] = []

    def import_it() -> None:
        with connect(conn.uri) as own:
            made.append(images.ensure_image(own, pool, source, sha256))

    threads = [threading.Thread(target=import_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 3
    assert made[0] == made[1] == made[2]
    assert Path(made[0].path).read_bytes() == source.read_bytes()


def pool_names(conn: Connection) -> list[str]:
    return [pool.name() for pool in conn.run(lambda handle: handle.listAllStoragePools(0))]


def test_an_nfs_pool_that_cannot_be_mounted_leaves_nothing(conn: Connection, tmp_path: Path) -> None:
    before = pool_names(conn)
    for _ in range(2):  # nothing serves NFS here
        with pytest.raises(HypervisorError, match="mount"):
            pools.ensure_nfs_pool(conn, "shared", "127.0.0.1", "/export", str(tmp_path / "mnt"))
        assert pool_names(conn) == before
    assert not pools.remove_pool(conn, "shared")


def test_an_nfs_pool_that_is_there_is_tried_again_and_stays(conn: Connection, tmp_path: Path) -> None:
    text = pools.nfs_pool_xml("shared", "127.0.0.1", "/export", str(tmp_path / "mnt"))
    conn.run(lambda handle: handle.storagePoolDefineXML(text, 0))
    try:
        with pytest.raises(HypervisorError, match="mount"):
            pools.ensure_nfs_pool(conn, "shared", "127.0.0.1", "/export", str(tmp_path / "mnt"))
        assert scan(conn).unseen_pools == ("shared",)
        with pytest.raises(Refused, match="that is no mount of"):
            pools.ensure_nfs_pool(conn, "shared", "127.0.0.1", "/other", str(tmp_path / "mnt"))
    finally:
        assert pools.remove_pool(conn, "shared")
