"""A `HostObservation` as JSON and back; amounts are strings, as everywhere between programs."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from limen.hypervisor.errors import HypervisorError
from limen.hypervisor.model import (
    DiskSeen,
    DomainSeen,
    Hint,
    HostObservation,
    InterfaceSeen,
    NetworkSeen,
    Size,
    SnapshotSeen,
    VolumeSeen,
)

T = TypeVar("T")


def to_json(seen: HostObservation) -> dict[str, Any]:
    data: dict[str, Any] = _plain(dataclasses.asdict(seen))
    return data


def from_json(data: Mapping[str, Any]) -> HostObservation:
    """Raises `HypervisorError` for what is no observation."""
    try:
        return HostObservation(
            host_uuid=_text(data["host_uuid"]),
            domains=tuple(_domain(item) for item in data["domains"]),
            networks=tuple(
                NetworkSeen(**{**item, "hint": _optional(Hint, item["hint"])}) for item in data["networks"]
            ),
            volumes=tuple(
                VolumeSeen(
                    **{
                        **item,
                        "capacity": _amount(item["capacity"]),
                        "allocation": _amount(item["allocation"]),
                    }
                )
                for item in data["volumes"]
            ),
            unseen_pools=tuple(_text(pool) for pool in data["unseen_pools"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HypervisorError(f"This is no host observation: {error}") from error


def _domain(item: Mapping[str, Any]) -> DomainSeen:
    capacity = [disk["capacity"] for disk in item["disks"]]
    return DomainSeen(
        **{
            **item,
            "live": _size(item["live"]),
            "defined": _size(item["defined"]),
            "hint": _optional(Hint, item["hint"]),
            "interfaces": tuple(InterfaceSeen(**card) for card in item["interfaces"]),
            "snapshots": tuple(SnapshotSeen(_text(s["name"]), _amount(s["disk"])) for s in item["snapshots"]),
            "disks": tuple(
                DiskSeen(**{**disk, "capacity": None if held is None else _amount(held)})
                for disk, held in zip(item["disks"], capacity, strict=True)
            ),
        }
    )


def _size(item: Mapping[str, Any] | None) -> Size | None:
    return None if item is None else Size(**{name: _amount(value) for name, value in item.items()})


def _optional(kind: type[T], item: Mapping[str, Any] | None) -> T | None:
    return None if item is None else kind(**item)


def _amount(value: object) -> int:
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()):
        raise ValueError(f"{value!r} is no amount")
    return int(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _plain(value: Any) -> Any:
    """Tuples as lists and integers as strings."""
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
