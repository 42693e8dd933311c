"""The host's side of a recovery: what is there, and removing what an interrupted creation left."""

from typing import Any

from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import NotFound
from limen.hypervisor.observe import scan
from limen.recovery.plan import Sight, Step

# libvirt's VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | _SNAPSHOTS_METADATA | _NVRAM | _CHECKPOINTS_METADATA
_UNDEFINE_ALL = 1 | 2 | 4 | 16


def look(conn: Connection) -> Sight:
    """What the host holds, by name. Raises HypervisorError."""
    seen = scan(conn)
    users: dict[str, set[str]] = {}
    for domain in seen.domains:
        for disk in domain.disks:
            if disk.pool is not None and disk.volume is not None:
                users.setdefault(f"{disk.pool}/{disk.volume}", set()).add(domain.uuid)
    return Sight(
        domains={each.name: each.uuid for each in seen.domains},
        networks={each.name: each.uuid for each in seen.networks},
        pools=conn.run(_pools),
        volumes={each.identity: each.key for each in seen.volumes},
        in_use={volume: frozenset(uuids) for volume, uuids in users.items()},
    )


def remove(conn: Connection, step: Step) -> None:
    """Remove a step's domain, network or volume; what is gone already is fine. Raises HypervisorError."""
    try:
        match step.kind:
            case "domain":
                conn.run(lambda handle: _remove_domain(handle.lookupByUUIDString(step.identity)))
            case "network":
                conn.run(lambda handle: _remove_network(handle.networkLookupByUUIDString(step.identity)))
            case "volume":
                pool, _, name = step.identity.partition("/")
                conn.run(
                    lambda handle: handle.storagePoolLookupByName(pool).storageVolLookupByName(name).delete(0)
                )
            case _:
                raise AssertionError(f"a recovery removes no {step.kind}")
    except NotFound:
        return


def _pools(handle: Any) -> dict[str, str]:
    return {pool.name(): pool.UUIDString() for pool in handle.listAllStoragePools(0)}


def _remove_domain(domain: Any) -> None:
    if domain.isActive():
        domain.destroy()
    if domain.isPersistent():
        domain.undefineFlags(_UNDEFINE_ALL)


def _remove_network(network: Any) -> None:
    if network.isActive():
        network.destroy()
    if network.isPersistent():
        network.undefine()
