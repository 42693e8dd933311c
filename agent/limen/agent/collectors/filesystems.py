"""Space and inodes of the host's filesystems."""

import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psutil

from limen.agent.metrics import Family, gauge, labels
from limen.agent.workers import Run, Worker

# What node_exporter leaves out as well: nothing is stored there.
_PSEUDO = re.compile(
    "autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|efivarfs|fusectl|hugetlbfs|iso9660|mqueue"
    "|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs"
)
_HIDDEN = re.compile(r"/(dev|proc|sys|run/credentials/.+|var/lib/(docker|containers/storage)/.+)($|/)")
# A server that is away makes whoever asks wait, perhaps for hours.
_REMOTE = re.compile(r"9p|afs|ceph|cifs|fuse\..+|glusterfs|nfs4?|ocfs2|smb3|smbfs|virtiofs")
REMOTE_SECONDS = 1.0


@dataclass(frozen=True)
class FilesystemReading:
    """Sizes in bytes; they are None where the filesystem did not answer, and `error` says why."""

    mountpoint: str
    device: str
    fstype: str
    readonly: bool
    size: int | None = None
    free: int | None = None
    available: int | None = None
    files: int | None = None
    files_free: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class FilesystemsReading:
    filesystems: tuple[FilesystemReading, ...]

    def families(self) -> Iterable[Family]:
        size = gauge("node_filesystem_size_bytes", "Filesystem size in bytes.")
        free = gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.")
        available = gauge(
            "node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."
        )
        files = gauge("node_filesystem_files", "Filesystem total file nodes.")
        files_free = gauge("node_filesystem_files_free", "Filesystem total free file nodes.")
        readonly = gauge("node_filesystem_readonly", "Filesystem read-only status.")
        failed = gauge(
            "node_filesystem_device_error",
            "Whether an error occurred while getting statistics of the device.",
        )
        for each in self.filesystems:
            label = labels(device=each.device, fstype=each.fstype, mountpoint=each.mountpoint)
            size.add(each.size, label)
            free.add(each.free, label)
            available.add(each.available, label)
            files.add(each.files, label)
            files_free.add(each.files_free, label)
            readonly.add(int(each.readonly), label)
            failed.add(int(each.error is not None), label)
        return [size, free, available, files, files_free, readonly, failed]


class FilesystemsCollector:
    """`statvfs` may be another in tests."""

    def __init__(self, statvfs: Callable[[str], os.statvfs_result] = os.statvfs) -> None:
        self._statvfs = statvfs
        self._remote: dict[str, Worker[os.statvfs_result]] = {}

    def collect(self) -> FilesystemsReading:
        # Of what is mounted over another thing, the last is what one sees.
        mounts = {
            each.mountpoint: each
            for each in psutil.disk_partitions(all=True)
            if not _PSEUDO.fullmatch(each.fstype) and not _HIDDEN.match(each.mountpoint)
        }
        self._forget(set(mounts))
        remote = {path: self._begin(path) for path, each in mounts.items() if _REMOTE.fullmatch(each.fstype)}
        until = time.monotonic() + REMOTE_SECONDS

        def ask(path: str) -> os.statvfs_result:
            return remote[path].result(until) if path in remote else self._statvfs(path)

        return FilesystemsReading(tuple(_read(each, ask) for _, each in sorted(mounts.items())))

    def _begin(self, path: str) -> Run[os.statvfs_result]:
        if path not in self._remote:
            self._remote[path] = Worker(f"statvfs {path}", lambda: self._statvfs(path))
        return self._remote[path].begin()

    def _forget(self, mounted: set[str]) -> None:
        for path in set(self._remote) - mounted:
            self._remote.pop(path).end()


def _read(mount: Any, ask: Callable[[str], os.statvfs_result]) -> FilesystemReading:
    mounted = {
        "mountpoint": _text(mount.mountpoint),
        "device": _text(mount.device),
        "fstype": mount.fstype,
        "readonly": "ro" in mount.opts.split(","),
    }
    try:
        seen = ask(mount.mountpoint)
    except OSError as error:  # TimeoutError is one
        return FilesystemReading(**mounted, error=error.strerror or str(error))
    return FilesystemReading(
        **mounted,
        size=seen.f_blocks * seen.f_frsize,
        free=seen.f_bfree * seen.f_frsize,
        available=seen.f_bavail * seen.f_frsize,
        files=seen.f_files,
        files_free=seen.f_ffree,
    )


def _text(path: str) -> str:
    """The path as text that can be written down: a name may be any bytes."""
    return os.fsencode(path).decode(errors="replace")
