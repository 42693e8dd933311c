"""Every resource of this provider, by token."""

from typing import Any

from limen_provider.errors import ProviderError
from limen_provider.functions import SCHEMAS
from limen_provider.resource import Resource
from limen_provider.resources.admission import Admission
from limen_provider.resources.disk_attachment import DiskAttachment
from limen_provider.resources.domain_metadata import DomainMetadata
from limen_provider.resources.domain_size import DomainSize
from limen_provider.resources.image import Image
from limen_provider.resources.network_attachment import NetworkAttachment
from limen_provider.resources.nfs_pool import NfsPool
from limen_provider.resources.port_forward import PortForward
from limen_provider.resources.quota_claim import QuotaClaim
from limen_provider.resources.volume_size import VolumeSize
from limen_provider.services import Services

_Class = (
    type[QuotaClaim]
    | type[Admission]
    | type[Image]
    | type[DomainMetadata]
    | type[DomainSize]
    | type[VolumeSize]
    | type[DiskAttachment]
    | type[NetworkAttachment]
    | type[NfsPool]
    | type[PortForward]
)
_CLASSES: tuple[_Class, ...] = (
    *(QuotaClaim, Admission, Image, NfsPool, DomainMetadata),
    *(DomainSize, VolumeSize, DiskAttachment, NetworkAttachment, PortForward),
)
_BY_TOKEN = {each.type_name: each for each in _CLASSES}


class UnknownResource(ProviderError):
    """A token that this version of the provider does not have."""


def resource_for(token: str, services: Services) -> Resource:
    """The resource of that token; raises `UnknownResource`."""
    found = _BY_TOKEN.get(token)
    if found is None:
        raise UnknownResource(f"The limen provider has no resource {token}: its version may be too old.")
    return found(services)


def schema(version: str) -> dict[str, Any]:
    """The package's schema document, in Pulumi's package schema format."""
    return {
        "name": "limen",
        "displayName": "Limen",
        "version": version,
        "description": "Quota claims, admissions and changes in place of libvirt VMs.",
        "license": "Apache-2.0",
        "provider": {"description": "Takes URL and token of limen-api from the environment."},
        "resources": {token: each.schema for token, each in _BY_TOKEN.items()},
        "functions": dict(SCHEMAS),
    }
