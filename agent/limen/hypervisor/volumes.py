"""Volumes: find, grow."""

from typing import Literal

from limen.hypervisor.connection import Connection
from limen.hypervisor.model import VolumeSeen

Grown = Literal["none", "live", "offline"]


def find_volume(conn: Connection, pool: str, name: str) -> VolumeSeen | None:
    raise NotImplementedError


def plan_grow(volume: VolumeSeen, capacity: int, in_use: bool) -> Grown:
    """Pure. Raises `Refused` for a shrink."""
    raise NotImplementedError


def grow_volume(conn: Connection, pool: str, name: str, capacity: int) -> Grown:
    """Grow to `capacity` bytes: by blockResize when an active domain uses it, else offline. Never shrinks."""
    raise NotImplementedError
