"""What programs may ask while they plan: functions without a state."""

from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from limen.hypervisor.capabilities import DomainTypeChoice, capabilities
from limen_provider.errors import InvalidInputs, ProviderError
from limen_provider.fields import Inputs
from limen_provider.resource import Properties
from limen_provider.schemas import FLAG, INTEGER, TEXT
from limen_provider.services import Services


class UnknownFunction(ProviderError):
    """A token that this version of the provider does not have."""


def call_function(token: str, arguments: Properties, services: Services) -> dict[str, Any]:
    """The function's result. Raises `InvalidInputs`, `UnknownFunction` and what libvirt answers."""
    found = _FUNCTIONS.get(token)
    if found is None:
        raise UnknownFunction(f"The limen provider has no function {token}: its version may be too old.")
    return found(arguments, services)


def _host_capabilities(arguments: Properties, services: Services) -> dict[str, Any]:
    inputs = Inputs(arguments, ("libvirtUri", "domainType"))
    uri, kind = inputs.text("libvirtUri"), inputs.text("domainType", required=False) or "auto"
    if kind not in get_args(DomainTypeChoice):
        inputs.fail("domainType", f"This must be one of {', '.join(get_args(DomainTypeChoice))}.")
    if inputs.failures:
        raise InvalidInputs(inputs.failures)
    if services.preview_only is not None:
        return services.preview_only.capabilities(uri)
    found = capabilities(services.hosts.connection(uri), cast(DomainTypeChoice, kind))
    return found.as_answer()


_FUNCTIONS: Mapping[str, Callable[[Properties, Services], dict[str, Any]]] = {
    "limen:index:getHostCapabilities": _host_capabilities
}

SCHEMAS: Mapping[str, Any] = {
    "limen:index:getHostCapabilities": {
        "description": "What a host can run: how a domain on it should be written.",
        "inputs": {
            "properties": {"libvirtUri": TEXT, "domainType": TEXT},
            "required": ["libvirtUri"],
            "type": "object",
        },
        "outputs": {
            "properties": {
                **dict.fromkeys(("hostUuid", "arch", "domainType", "cpuMode", "machine"), TEXT),
                "maxVcpus": INTEGER,
                **dict.fromkeys(("uefi", "secureBoot", "tpm"), FLAG),
            },
            "type": "object",
        },
    }
}
