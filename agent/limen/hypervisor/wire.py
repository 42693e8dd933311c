"""A `HostObservation` as JSON and back; amounts are strings, as everywhere between programs."""

from typing import Any

from limen.hypervisor.model import HostObservation


def to_json(seen: HostObservation) -> dict[str, Any]:
    raise NotImplementedError


def from_json(data: dict[str, Any]) -> HostObservation:
    """Raises `HypervisorError` for what is no observation."""
    raise NotImplementedError
