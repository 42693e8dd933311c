"""Libvirt's storage pools."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import libvirt

from limen.agent.link import Link
from limen.agent.metrics import Family, gauge, labels


@dataclass(frozen=True)
class PoolReading:
    """Bytes, as libvirt knew them when it last read the pool; 0 while it is not active."""

    name: str
    uuid: str
    active: bool
    capacity: int
    allocation: int
    available: int


@dataclass(frozen=True)
class PoolsReading:
    pools: tuple[PoolReading, ...]

    def families(self) -> Iterable[Family]:
        active = gauge("limen_pool_active", "1 where the storage pool is active.")
        capacity = gauge("limen_pool_capacity_bytes", "Size of the storage pool.")
        allocation = gauge("limen_pool_allocation_bytes", "Bytes of the storage pool that are taken.")
        available = gauge("limen_pool_available_bytes", "Bytes of the storage pool that are free.")
        for pool in self.pools:
            label = labels(pool=pool.name, uuid=pool.uuid)
            active.add(int(pool.active), label)
            if pool.active:
                capacity.add(pool.capacity, label)
                allocation.add(pool.allocation, label)
                available.add(pool.available, label)
        return [active, capacity, allocation, available]


class PoolsCollector:
    def __init__(self, link: Link) -> None:
        self._link = link

    def collect(self) -> PoolsReading:
        return self._link.run(_read)


def _read(handle: Any) -> PoolsReading:
    return PoolsReading(
        tuple(reading for pool in handle.listAllStoragePools(0) if (reading := _pool(pool)) is not None)
    )


def _pool(pool: Any) -> PoolReading | None:
    try:
        state, capacity, allocation, available = pool.info()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return None  # it went meanwhile
        raise
    return PoolReading(
        name=pool.name(),
        uuid=pool.UUIDString(),
        active=state != libvirt.VIR_STORAGE_POOL_INACTIVE,
        capacity=capacity,
        allocation=allocation,
        available=available,
    )
