"""What libvirt showed, in the ledger's words. Pure."""

from collections.abc import Iterable
from uuid import UUID

from limen.hypervisor.model import DomainSeen, Hint, HostObservation
from limen.ledger.values import Claim, Seen


def seen_things(observation: HostObservation) -> list[Seen]:
    """Everything chargeable of one scan; what is charged nothing (a cloud-init medium) is left out."""
    things: list[Seen] = []
    for domain in observation.domains:
        things.append(Seen("vm", domain.uuid, domain.name, domain.amounts, _claim(domain.hint)))
        things.extend(_snapshots(domain))
    for network in observation.networks:
        things.append(Seen("network", network.uuid, network.name, network.amounts, _claim(network.hint)))
    for volume in observation.volumes:
        if volume.amounts:
            things.append(Seen("disk", volume.identity, volume.name, volume.amounts))
    return things


def gone_things(
    host: UUID, claims: Iterable[Claim], seen: Iterable[Seen], unseen_pools: Iterable[str]
) -> list[tuple[str, str]]:
    """(kind, identity) of what claims hold on `host` and a scan showed to be gone.

    Disks in pools that could not be listed are not among them: not seen is not gone.
    """
    there = {(thing.kind, thing.identity) for thing in seen}
    hidden = set(unseen_pools)
    return sorted(
        {
            (item.kind, item.identity)
            for claim in claims
            for item in claim.items
            if item.host == host
            and (item.kind, item.identity) not in there
            and not (item.volume is not None and item.volume.partition("/")[0] in hidden)
        }
    )


def _snapshots(domain: DomainSeen) -> Iterable[Seen]:
    for snapshot in domain.snapshots:
        yield Seen("snapshot", f"{domain.uuid}/{snapshot.name}", snapshot.name, snapshot.amounts)


def _claim(hint: Hint | None) -> UUID | None:
    """Anyone on the host can write the metadata: what is no UUID is no hint."""
    try:
        return None if hint is None else UUID(hint.claim)
    except ValueError:
        return None
