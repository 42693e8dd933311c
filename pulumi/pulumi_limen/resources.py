"""The resources of the provider `limen`, as Pulumi's Python SDK wants to see them.

Their properties are spelled as on the wire; amounts are text, sizes are numbers of pieces or bytes.
"""

from collections.abc import Mapping
from typing import Any

import pulumi


class LimenResource(pulumi.CustomResource):
    """A resource whose outputs are read by their name on the wire."""

    def __init__(
        self,
        kind: str,
        name: str,
        inputs: Mapping[str, Any],
        outputs: tuple[str, ...] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # A property has to be named here, if only as None, for its output to be kept.
        given = {name: value for name, value in inputs.items() if value is not None}
        super().__init__(f"limen:index:{kind}", name, {**dict.fromkeys(outputs), **given}, opts)

    def output(self, name: str) -> pulumi.Output[Any]:
        """The output `name`."""
        return pulumi.Output.from_input(pulumi.get(self, name))


class QuotaClaim(LimenResource):
    """What a stack holds: admitted all or nothing, also in previews."""

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("QuotaClaim", name, inputs, ("claimId", "hostUuid", "generation", "charge"), opts)


class Admission(LimenResource):
    """One chargeable thing may be built, at the sizes of its outputs."""

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            "Admission", name, inputs, ("uuid", "vcpus", "memory", "disk", "fence", "state"), opts
        )


class Image(LimenResource):
    """A base image on a host; deleting it leaves the image where it is."""

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Image", name, inputs, ("name", "volumeId", "capacity"), opts)


class InPlace(LimenResource):
    """A change made to what is there: DomainSize, VolumeSize, DiskAttachment, NetworkAttachment, ..."""
