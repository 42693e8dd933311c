"""What entries say about each other: references, duplicates, addresses within their networks."""

from collections.abc import Iterable

from pulumi_limen.spec.network import check_address
from pulumi_limen.spec.problems import Problems, child
from pulumi_limen.spec.reader import NOWHERE, Reader
from pulumi_limen.spec.storage import check_pool
from pulumi_limen.spec.values import DiskUse, StackSpec, VmSpec


def check_consistency(spec: StackSpec, problems: Problems) -> None:
    _check_keys(spec, problems)
    _check_storage(spec, problems)
    uses: dict[str, str] = {}
    taken: dict[tuple[str, object], str] = {}
    macs: dict[str, str] = {}
    for name, vm in spec.vms.items():
        path = child("vms", name)
        _check_image(vm.root.image or "", spec, child(path, "image"), problems)
        _check_disks(vm, path, spec, uses, problems)
        _check_nics(vm, path, spec, (taken, macs), problems)
    _check_forwards(spec, problems)


def _check_keys(spec: StackSpec, problems: Problems) -> None:
    """Two items of a kind with one key would be one item in the ledger."""
    roots = [(child("vms", name), vm.root.key) for name, vm in spec.vms.items()]
    _check_unique([(child("vms", name), vm.key) for name, vm in spec.vms.items()], "vm", problems)
    _check_unique([*((child("disks", n), d.key) for n, d in spec.disks.items()), *roots], "disk", problems)
    made = [(n, each) for n, each in spec.networks.items() if each.libvirt_name is None]
    _check_unique([(child("networks", n), each.key) for n, each in made], "network", problems)


def _check_unique(entries: Iterable[tuple[str, str]], kind: str, problems: Problems) -> None:
    seen: dict[str, str] = {}
    for path, key in entries:
        if key in seen:
            problems.add(path, f"has the key {kind}:{key}, which {seen[key]} has already")
        seen.setdefault(key, path)


def _check_storage(spec: StackSpec, problems: Problems) -> None:
    pools = frozenset(spec.pools)
    for name, image in spec.images.items():
        check_pool(image.pool, pools, f"images.{name}.pool", problems)
        if image.pool in spec.pools and spec.pools[image.pool].type in ("dir", "lvm"):
            # The image stays when the stack goes, and a pool that is not empty cannot go.
            problems.add(
                f"images.{name}.pool",
                f"images belong to the host and outlive the stack, with which pool {image.pool!r} goes: "
                "use `default`, or declare a pool of the host with `type: existing`",
            )
    for name, disk in spec.disks.items():
        check_pool(disk.pool, pools, f"disks.{name}.pool", problems)
        if disk.image is not None:
            _check_image(disk.image, spec, f"disks.{name}.image", problems)
        if _is_lvm(spec, disk.pool) and disk.format != "raw":
            problems.add(f"disks.{name}.format", "an LVM pool holds raw disks only: write `format: raw`")
    for name, vm in spec.vms.items():
        check_pool(vm.root.pool, pools, f"vms.{name}.pool", problems)
        if _is_lvm(spec, vm.root.pool):
            problems.add(
                f"vms.{name}.pool", "a root disk is an overlay on its image, which LVM pools cannot hold"
            )


def _is_lvm(spec: StackSpec, pool: str) -> bool:
    return pool in spec.pools and spec.pools[pool].type == "lvm"


def _check_image(image: str, spec: StackSpec, path: str, problems: Problems) -> None:
    if image and image not in spec.images:
        problems.add(path, f"unknown image {image!a:.60}; {_declared(spec.images)}")


def _check_disks(vm: VmSpec, path: str, spec: StackSpec, uses: dict[str, str], problems: Problems) -> None:
    for index, use in enumerate(vm.disks):
        here = child(child(path, "disks"), index)
        if not use.disk:
            continue
        if use.disk not in spec.disks:
            problems.add(here, f"unknown disk {use.disk!a:.60}; {_declared(spec.disks)}")
        elif use.disk in uses:
            problems.add(here, _attached_twice(use, uses[use.disk]))
        uses.setdefault(use.disk, here)


def _attached_twice(use: DiskUse, first: str) -> str:
    return f"the disk {use.disk} is attached at {first} already: two guests that write to one disk destroy it"


def _check_nics(
    vm: VmSpec,
    path: str,
    spec: StackSpec,
    seen: tuple[dict[tuple[str, object], str], dict[str, str]],
    problems: Problems,
) -> None:
    taken, macs = seen
    for index, nic in enumerate(vm.nics):
        here = child(child(path, "networks"), index)
        network = spec.networks.get(nic.network)
        if network is None:
            if not nic.network:
                continue
            problems.add(here, f"unknown network {nic.network!a:.60}; {_declared(spec.networks)}")
            continue
        if nic.mac is not None:
            if nic.mac in macs:
                problems.add(child(here, "mac"), f"{nic.mac} is the MAC address of {macs[nic.mac]} already")
            macs.setdefault(nic.mac, here)
        first = taken.setdefault((network.name, vm.hostname), path)
        if first != path:
            problems.add(
                child(path, "hostname"),
                f"{first} is called {vm.hostname} in the network {network.name} already",
            )
        if nic.address is None or nic.address == NOWHERE:
            continue
        field = child(here, "address")
        if network.mode in ("bridge", "existing") or not network.dhcp:
            problems.add(
                field,
                f"the network {network.name} has no DHCP of Limen's: set the address in the guest",
            )
        check_address(Reader({}, here, problems), "address", nic.address, network)
        holder = taken.setdefault((network.name, nic.address), field)
        if holder != field:
            problems.add(field, f"{nic.address} is the address of {holder} already")


def _check_forwards(spec: StackSpec, problems: Problems) -> None:
    """A host has each port once, whatever the network; and only a fixed address stays the same guest's."""
    ports: dict[tuple[str, int], str] = {}
    fixed = {(nic.network, nic.address) for vm in spec.vms.values() for nic in vm.nics}
    for name, network in spec.networks.items():
        for index, forward in enumerate(network.port_forwards):
            here = child(child(child("networks", name), "port_forwards"), index)
            first = ports.setdefault((forward.protocol, forward.host_port), here)
            if first != here and forward.host_port:
                problems.add(
                    child(here, "host_port"),
                    f"the host's {forward.protocol} port {forward.host_port} is forwarded at {first} already",
                )
            if forward.address == NOWHERE:
                continue
            check_address(Reader({}, here, problems), "address", forward.address, network)
            if not problems.below(child(here, "address")) and (name, forward.address) not in fixed:
                problems.add(
                    child(here, "address"),
                    f"{forward.address} is no VM's fixed address: write it as `address` of a VM's card",
                )


def _declared(entries: Iterable[str]) -> str:
    return f"declared are {', '.join(sorted(entries)) or 'none'}"
