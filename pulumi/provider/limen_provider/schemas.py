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
