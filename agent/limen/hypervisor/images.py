"""Base images: imported once per host, under a name that is the checksum of their content."""

import contextlib
import hashlib
import re
import struct
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import libvirt

from limen.hypervisor import storage, xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import HypervisorError, Refused
from limen.hypervisor.model import VolumeSeen
from limen.hypervisor.storage import RawVolume

Progress = Callable[[int, int], None]

STALL_SECONDS = 15.0
POLL_SECONDS = 0.5
HEADER_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 2**20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_QCOW2_MAGIC = b"QFI\xfb"
_EXTERNAL_DATA_FILE = 1 << 2


def image_name(sha256: str) -> str:
    """`limen-image-<sha256>.qcow2`. Raises `Refused` for what is no SHA-256 in hexadecimal."""
    digest = sha256.lower()
    if not _SHA256.fullmatch(digest):
        raise Refused(f"{sha256!r} is no SHA-256 checksum: 64 hexadecimal digits are wanted.")
    return f"limen-image-{digest}.qcow2"


def find_image(conn: Connection, pool: str, sha256: str, length: int) -> VolumeSeen | None:
    """The image if its file is there in full, `length` bytes of it."""
    name = image_name(sha256)

    def work(handle: Any) -> VolumeSeen | None:
        raw = _probe(handle.storagePoolLookupByName(pool), name)
        return raw.seen if raw and raw.physical == length else None

    return conn.run(work)


def ensure_image(
    conn: Connection, pool: str, source: Path, sha256: str, progress: Progress | None = None
) -> VolumeSeen:
    """The image's volume in `pool`, uploaded if it is not there; `progress(done, total)` in bytes.

    The file's checksum and header are looked at before the host is touched. Another process that is
    uploading the same image is waited for; an upload that a crash cut off (the file is too short and does
    not grow) is begun again. Raises `Refused` for a file that is not the image, is not qcow2, or refers to
    other files; `NotFound` for the pool.
    """
    name = image_name(sha256)
    try:
        length = source.stat().st_size
        with source.open("rb") as file:
            _check_header(file, source)
            file.seek(0)
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Refused(f"The image {source} cannot be read: {error.strerror}.") from error
    if found != sha256.lower():
        raise Refused(f"The image {source} has the SHA-256 {found}, not {sha256}: fetch it again.")

    def work(handle: Any) -> VolumeSeen:
        held = handle.storagePoolLookupByName(pool)
        while not _is_whole(_settled(held, name, length), length):
            volume = _create_empty(held, name)
            if volume is None:
                continue  # another process was quicker: wait for its upload
            with source.open("rb") as file:
                _upload(handle, volume, file, length, progress)
        return _arrived(held, name, length).seen

    return conn.run(work, 60.0 + STALL_SECONDS + length / SLOWEST_BYTES_PER_SECOND)


def _check_header(file: BinaryIO, source: Path) -> None:
    """A qcow2 file can name other files as its backing or data: on the host they would be read as root."""
    header = file.read(80)
    if not header.startswith(_QCOW2_MAGIC) or len(header) < 80:
        raise Refused(f"{source} is no qcow2 image: convert it with `qemu-img convert -O qcow2`.")
    version, backing = struct.unpack(">IQ", header[4:16])
    features = struct.unpack(">Q", header[72:80])[0] if version >= 3 else 0
    if backing or features & _EXTERNAL_DATA_FILE:
        raise Refused(f"{source} refers to another file: flatten it with `qemu-img convert -O qcow2`.")


def _settled(pool: Any, name: str, length: int) -> RawVolume | None:
    """The volume once it is whole; None when there is none, or only the beginning of one that grows no
    more.
    """
    raw = _probe(pool, name)
    quiet_since = time.monotonic()
    while raw is not None and raw.physical < length and time.monotonic() - quiet_since < STALL_SECONDS:
        time.sleep(POLL_SECONDS)
        before, raw = raw, _probe(pool, name)
        if raw is not None and raw.physical > before.physical:
            quiet_since = time.monotonic()
    if raw is not None and raw.physical < length:
        pool.storageVolLookupByName(name).delete(0)
        return None
    return raw


def _is_whole(raw: RawVolume | None, length: int) -> bool:
    if raw is not None and raw.physical > length:
        raise Refused(
            f"{raw.seen.identity} is longer than the image whose name it has: a domain has written to it. "
            "Give that domain an overlay of its own, then delete the volume."
        )
    return raw is not None


def _probe(pool: Any, name: str) -> RawVolume | None:
    try:
        return storage.parse_volume(pool.name(), pool.storageVolLookupByName(name).XMLDesc(0))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_VOL:
            return None
        raise


def _create_empty(pool: Any, name: str) -> Any | None:
    """A volume of length 0, so that its length tells how much has arrived; None when there is one already."""
    try:
        return pool.createXML(_volume_xml(name), 0)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_STORAGE_VOL_EXIST:
            return None
        raise


def _upload(handle: Any, volume: Any, file: BinaryIO, length: int, progress: Progress | None) -> None:
    stream = handle.newStream(0)
    done = 0

    def next_bytes(_stream: Any, wanted: int, _opaque: object) -> bytes:
        nonlocal done
        chunk = file.read(wanted)
        done += len(chunk)
        if progress and chunk:
            progress(done, length)
        return chunk

    try:
        volume.upload(stream, 0, length, 0)
        stream.sendAll(next_bytes, None)
        stream.finish()
    except Exception:
        with contextlib.suppress(libvirt.libvirtError):  # what went wrong first is what matters
            volume.delete(0)
        raise


def _arrived(pool: Any, name: str, length: int) -> RawVolume:
    """The volume once libvirt has read its header; overlays made before would take it for a raw file."""
    deadline = time.monotonic() + HEADER_SECONDS
    while True:
        raw = _probe(pool, name)
        if raw is None or raw.physical != length:
            raise HypervisorError(f"The image {name} has not arrived in full: run this again.")
        if raw.seen.format == "qcow2":
            return raw
        if time.monotonic() > deadline:
            raise HypervisorError(
                f"Libvirt takes {name} for {raw.seen.format}: refresh the pool, and try again."
            )
        # Libvirt reads the pool anew by itself after an upload, a little later. Refused while other uploads
        # run.
        with contextlib.suppress(libvirt.libvirtError):
            pool.refresh(0)
        time.sleep(POLL_SECONDS / 5)


def _volume_xml(name: str) -> str:
    root = ET.Element("volume")
    ET.SubElement(root, "name").text = name
    ET.SubElement(root, "capacity", unit="bytes").text = "0"
    target = ET.SubElement(root, "target")
    ET.SubElement(target, "format", type="raw")
    ET.SubElement(ET.SubElement(target, "permissions"), "mode").text = "0644"
    return xmltools.unparse(root)
