"""A file server that is away costs its own figures and nobody else's."""

import os
import threading
from types import SimpleNamespace

import psutil
import pytest

from limen.agent.collectors import filesystems
from limen.agent.collectors.filesystems import FilesystemsCollector


def _mount(path: str, fstype: str, opts: str = "rw") -> SimpleNamespace:
    return SimpleNamespace(device="dev", mountpoint=path, fstype=fstype, opts=opts)


def test_a_remote_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [_mount("/", "ext4"), _mount("/nfs", "nfs4"), _mount("/proc", "proc"), _mount("/nfs2", "nfs4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: mounts)
    monkeypatch.setattr(filesystems, "REMOTE_SECONDS", 0.2)
    go = threading.Event()

    def statvfs(path: str) -> os.statvfs_result:
        if path == "/nfs":
            go.wait()
        return os.statvfs("/")

    collector = FilesystemsCollector(statvfs)
    try:
        seen = {each.mountpoint: each for each in collector.collect().filesystems}
    finally:
        go.set()

    assert list(seen) == ["/", "/nfs", "/nfs2"]
    assert seen["/"].size
    assert seen["/nfs2"].size
    assert seen["/nfs"].size is None
    assert seen["/nfs"].error is not None


def test_of_two_mounts_on_one_folder_the_upper_one_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = [_mount("/data", "ext4"), _mount("/data", "xfs", "ro,noatime")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: mounts)

    (seen,) = FilesystemsCollector(lambda _: os.statvfs("/")).collect().filesystems

    assert (seen.fstype, seen.readonly) == ("xfs", True)
