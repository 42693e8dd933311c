"""Schemas of the resources in Pulumi's package schema format, as GetSchema answers them."""

from collections.abc import Mapping
from typing import Any

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
ANYTHING = {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}


def described(schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    """A property's schema with what it means."""
    return {**schema, "description": description}


def resource_schema(
    description: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    optional: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A resource's schema; its state has the inputs as well as `outputs`."""
    required = [name for name in inputs if name not in optional]
    return {
        "description": description,
        "inputProperties": dict(inputs),
        "requiredInputs": required,
        "properties": {**inputs, **outputs},
        "required": [*required, *outputs],
    }


QUOTA_CLAIM = resource_schema(
    "What a stack holds of a project's quota, reserved all or nothing.",
    {
        "project": described(TEXT, "The project that is charged."),
        "host": described(TEXT, "Name or UUID of a registered host."),
        "libvirtUri": described(TEXT, "How this program reaches the host."),
        "items": described(ANYTHING, "Item key -> {kind, name, volume?, amounts, upperBound?}."),
        "owner": described(TEXTS, "{kind, name}; the stack if left out."),
        "fingerprint": described(TEXTS, "{backend, project, stack}: where the state is."),
        "claimId": described(TEXT, "The claim's UUID; minted if left out."),
        "takeover": described(FLAG, "Take the claim over from another fingerprint; audited."),
    },
    {
        "hostUuid": described(TEXT, "The host's libvirt UUID."),
        "generation": described(INTEGER, "Raised by every change of the claim."),
        "charge": described(TEXTS, "Resource -> amount charged, as strings."),
    },
    optional=("libvirtUri", "owner", "fingerprint", "claimId", "takeover"),
)

ADMISSION = resource_schema(
    "That one item is admitted at this size, and from when on it is being built.",
    {
        "claimId": described(TEXT, "The claim's UUID."),
        "project": described(TEXT, "The claim's project, for policies to see."),
        "owner": described(TEXT, "Who owns it, for policies to see."),
        "key": described(TEXT, "The item's key in the claim."),
        "kind": described(TEXT, "vm, disk, network or snapshot."),
        "libvirtUri": described(TEXT, "How this program reaches the host."),
        "hostUuid": described(TEXT, "The libvirt UUID that the host must have."),
        "amounts": described(TEXTS, "Resource -> amount."),
        "imageSha256": described(TEXT, "Checksum of the image, for policies to see."),
    },
    {
        "uuid": described(TEXT, "The libvirt UUID to give to the VM or network."),
        "vcpus": described(INTEGER, "Admitted vCPUs; 0 if the item has none."),
        "memory": described(NUMBER, "Admitted memory in bytes; 0 if the item has none."),
        "disk": described(NUMBER, "Admitted disk in bytes; 0 if the item has none."),
        "fence": described(TEXT, "The fencing token of this builder."),
        "state": described(TEXT, "The item's state in the ledger."),
    },
    optional=("owner", "imageSha256"),
)

_HOST = {"libvirtUri": described(TEXT, "How this program reaches the host.")}
_DOMAIN = {**_HOST, "uuid": described(TEXT, "The domain's UUID.")}

DOMAIN_SIZE = resource_schema(
    "vCPUs and memory of a domain, changed in place.",
    {
        **_DOMAIN,
        "vcpus": described(INTEGER, "vCPUs that are plugged in."),
        "memory": described(NUMBER, "Memory in bytes."),
        "maxVcpus": described(INTEGER, "How far vCPUs can grow live; stays if left out."),
        "maxMemory": described(NUMBER, "How far memory can grow live, in bytes; stays if left out."),
        "shutdownSeconds": described(NUMBER, "How long a guest may take to shut down; 120 if left out."),
        "allowRestart": described(FLAG, "Whether a guest may be restarted; true if left out."),
        "allowHard": described(FLAG, "Whether a guest that does not shut down is powered off."),
        "running": described(FLAG, "Start the domain if it is off; left alone if left out."),
    },
    {},
    optional=("maxVcpus", "maxMemory", "shutdownSeconds", "allowRestart", "allowHard", "running"),
)

DOMAIN_METADATA = resource_schema(
    "Whose a domain is, and its tags, in libvirt's metadata; changed in place, for inventories and people.",
    {
        **_DOMAIN,
        "owner": described(TEXT, "Who owns the claim, such as program/stack."),
        "project": described(TEXT, "The project that is charged."),
        "claim": described(TEXT, "The claim's UUID."),
        "key": described(TEXT, "The item's key in the claim."),
        "stack": described(TEXT, "The Pulumi stack, as program/stack."),
        "tags": described(TEXTS, "Names and values."),
    },
    {},
    optional=("stack", "tags"),
)

VOLUME_SIZE = resource_schema(
    "A volume's capacity, grown in place and never shrunk.",
    {
        **_HOST,
        "pool": described(TEXT, "The volume's pool."),
        "name": described(TEXT, "The volume's name."),
        "size": described(NUMBER, "Its capacity in bytes."),
    },
    {},
)

DISK_ATTACHMENT = resource_schema(
    "A volume plugged into a domain, live and in its definition.",
    {
        **_DOMAIN,
        "target": described(TEXT, "Its name in the domain, such as vdb."),
        "pool": described(TEXT, "The volume's pool."),
        "volume": described(TEXT, "The volume's name."),
        "bus": described(TEXT, "virtio if left out."),
        "readonly": described(FLAG, "Whether the guest may only read it."),
    },
    {},
    optional=("bus", "readonly"),
)

NETWORK_ATTACHMENT = resource_schema(
    "A network card of a domain, plugged in and moved in place.",
    {
        **_DOMAIN,
        "mac": described(TEXT, "The card's MAC address."),
        "network": described(TEXT, "The libvirt network; this or bridge."),
        "bridge": described(TEXT, "The host's bridge; this or network."),
        "model": described(TEXT, "virtio if left out."),
        "address": described(TEXT, "The address that the network's DHCP server gives to the card."),
        "hostname": described(TEXT, "The name that goes with the address."),
    },
    {},
    optional=("network", "bridge", "model", "address", "hostname"),
)

NFS_POOL = resource_schema(
    "A storage pool on an NFS share.",
    {
        **_HOST,
        "name": described(TEXT, "The pool's name."),
        "server": described(TEXT, "The NFS server."),
        "export": described(TEXT, "The exported path."),
        "path": described(TEXT, "Where the host mounts it."),
    },
    {},
)

PORT_FORWARD = resource_schema(
    "A port of the host that leads to a guest; the host needs Limen's network hook.",
    {
        **_HOST,
        "network": described(TEXT, "The libvirt network, NAT or routed."),
        "protocol": described(TEXT, "tcp (if left out) or udp."),
        "hostPort": described(INTEGER, "The host's port, 1 to 65535."),
        "address": described(TEXT, "The guest's fixed address."),
        "port": described(INTEGER, "The guest's port, 1 to 65535."),
    },
    {},
    optional=("protocol",),
)
