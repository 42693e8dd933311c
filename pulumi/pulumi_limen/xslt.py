"""XSLT for pulumi-libvirt's `xml.xslt`: carries what the plugin has no inputs for into libvirt's XML."""

from collections.abc import Mapping

NAMESPACE = "urn:limen:domain:1"


def domain_xslt(
    *,
    uuid: str,
    hint: Mapping[str, str],
    max_vcpus: int | None = None,
    max_memory: int | None = None,
    inner: str | None = None,
) -> str:
    """`hint`: owner, project, claim, key. `max_memory` in bytes. `inner`: none yet."""
    raise NotImplementedError


def network_xslt(*, uuid: str, hint: Mapping[str, str]) -> str:
    raise NotImplementedError
