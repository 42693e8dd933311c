"""What every component of a stack needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from limen.quota.units import format_amount
from pulumi_limen import resources


@dataclass(frozen=True)
class Capabilities:
    """How domains on the host are written: `domain_type` kvm or qemu, its best CPU mode, its machine."""

    domain_type: str
    cpu_mode: str
    machine: str


@dataclass(frozen=True)
class Context:
    """One stack on one host. `program` and `stack` are Pulumi's names of project and stack."""

    program: str
    stack: str
    prefix: str
    project: str
    libvirt_uri: str
    capabilities: Capabilities
    claim: resources.QuotaClaim

    @property
    def owner(self) -> str:
        return f"{self.program}/{self.stack}"

    def hint(self, claim_id: str, key: str) -> dict[str, str]:
        """Metadata in libvirt's XML: for people who look there, no proof of anything."""
        return {"owner": self.owner, "project": self.project, "claim": claim_id, "key": key}


def admit(
    context: Context,
    key: str,
    amounts: Mapping[str, int],
    opts: pulumi.ResourceOptions,
    image_sha256: str | None = None,
) -> resources.Admission:
    """Register the Admission of the item `key`; what it stands for is built from its outputs, after it."""
    kind = key.partition(":")[0]
    return resources.Admission(
        key,
        {
            "claimId": context.claim.output("claimId"),
            "hostUuid": context.claim.output("hostUuid"),
            "project": context.project,
            "owner": context.owner,
            "key": key,
            "kind": kind,
            "libvirtUri": context.libvirt_uri,
            "amounts": written(amounts),
            "imageSha256": image_sha256,
        },
        opts,
    )


def written(amounts: Mapping[str, int]) -> dict[str, str]:
    """Amounts as they travel between programs: text."""
    return {resource: format_amount(amount, resource) for resource, amount in amounts.items()}


def options(
    parent: pulumi.Resource, given: pulumi.ResourceOptions | None = None, **more: object
) -> pulumi.ResourceOptions:
    """Options of a component's child. What a component depends on, its children wait for as well."""
    depends_on = given.depends_on if given else None
    base = pulumi.ResourceOptions(parent=parent, depends_on=depends_on)
    return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(**more))  # type: ignore[arg-type]
