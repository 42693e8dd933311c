"""What libvirt showed, in the ledger's words. Pure."""

from collections.abc import Iterable
from uuid import UUID

from limen.hypervisor.model import DomainSeen, Hint, HostObservation
from limen.quota.model import Seen


def seen_things(observation: HostObservation) -> list[Seen]:
    """Everything chargeable of one scan; what is charged nothing (a cloud-init medium) is left out."""
    disks = {volume.identity for volume in observation.volumes if volume.role == "disk"}
    things: list[Seen] = []
    for domain in observation.domains:
        held = tuple(sorted(_volumes(domain) & disks))
        things.append(Seen("vm", domain.uuid, domain.name, domain.amounts, _claim(domain.hint), held))
        things.extend(_snapshots(domain))
    for network in observation.networks:
        things.append(Seen("network", network.uuid, network.name, network.amounts, _claim(network.hint)))
    for volume in observation.volumes:
        if volume.amounts:
            things.append(Seen("disk", volume.identity, volume.name, volume.amounts))
    return things


def _volumes(domain: DomainSeen) -> set[str]:
    """What the domain writes to, as "pool/name"; a base image is not among a host's disks."""
    return {f"{disk.pool}/{disk.volume}" for disk in domain.disks if disk.volume and not disk.readonly}


def _snapshots(domain: DomainSeen) -> Iterable[Seen]:
    for snapshot in domain.snapshots:
        yield Seen("snapshot", f"{domain.uuid}/{snapshot.name}", snapshot.name, snapshot.amounts)


def _claim(hint: Hint | None) -> UUID | None:
    """Anyone on the host can write the metadata: what is no UUID is no hint."""
    try:
        return None if hint is None else UUID(hint.claim)
    except ValueError:
        return None
