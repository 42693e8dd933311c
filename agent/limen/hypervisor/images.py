"""Base images: imported once per host under a name that is their content's checksum."""

from collections.abc import Callable
from pathlib import Path

from limen.hypervisor.connection import Connection
from limen.hypervisor.model import VolumeSeen

Progress = Callable[[int, int], None]


def image_name(sha256: str) -> str:
    """`limen-image-<sha256>.qcow2`. Raises `HypervisorError` for what is no SHA-256 in hexadecimal."""
    raise NotImplementedError


def ensure_image(
    conn: Connection, pool: str, source: Path, sha256: str, progress: Progress | None = None
) -> VolumeSeen:
    """The image's volume, uploaded if it is not there; `progress(done, total)` in bytes.

    The checksum is verified while uploading; a volume cut off by a crash is recognised and uploaded again.
    """
    raise NotImplementedError
