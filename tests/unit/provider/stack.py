"""Inputs of a small stack, and steps that the engine takes with them."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.provider.wire import Provider, ResourceWire

FINGERPRINT = {"backend": "file:///state", "project": "program", "stack": "dev"}
ITEMS = {
    "vm:web-1": {"kind": "vm", "name": "web-1", "amounts": {"vms": "1", "vcpus": "1", "memory": "1GiB"}},
    "disk:web-1-root": {
        "kind": "disk",
        "name": "web-1-root",
        "volume": "default/web-1-root",
        "amounts": {"disk": "10GiB"},
    },
}


def claim_inputs(host: str = "lab", **changes: Any) -> dict[str, Any]:
    return {
        "project": "demo",
        "host": host,
        "items": ITEMS,
        "owner": {"kind": "stack", "name": "program/dev"},
        "fingerprint": FINGERPRINT,
        **changes,
    }


def vm_item(vcpus: int = 1, memory: str = "1GiB", name: str = "web-1") -> dict[str, Any]:
    return {"kind": "vm", "name": name, "amounts": {"vms": "1", "vcpus": str(vcpus), "memory": memory}}


@dataclass
class Made:
    """A resource in the state: what the engine would have written down."""

    wire: ResourceWire
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)

    def diff(self, news: dict[str, Any] | None = None) -> Any:
        inputs, failures = self.wire.check(news if news is not None else self.inputs, self.inputs)
        assert not failures, failures
        return self.wire.diff(self.id, self.inputs, self.outputs, inputs)

    def update(self, news: dict[str, Any] | None = None) -> dict[str, Any]:
        inputs, failures = self.wire.check(news if news is not None else self.inputs, self.inputs)
        assert not failures, failures
        self.outputs = self.wire.update(self.id, self.inputs, self.outputs, inputs)
        self.inputs = inputs
        return self.outputs

    def delete(self) -> None:
        self.wire.delete(self.id, self.inputs, self.outputs)


def make(provider: Provider, kind: str, news: dict[str, Any]) -> Made:
    """Check and Create, as for a resource that is new."""
    wire = provider.of(kind)
    inputs, failures = wire.check(news)
    assert not failures, failures
    resource_id, outputs = wire.create(inputs)
    return Made(wire, resource_id, inputs, outputs)


def make_claim(provider: Provider, **changes: Any) -> Made:
    return make(provider, "QuotaClaim", claim_inputs(**changes))


def admission_inputs(claim: Made, uri: str) -> dict[str, Any]:
    """An admission of the VM web-1."""
    key = "vm:web-1"
    item = claim.inputs["items"][key]
    return {
        "claimId": claim.id,
        "project": claim.inputs["project"],
        "owner": claim.inputs["owner"]["name"],
        "key": key,
        "kind": item["kind"],
        "libvirtUri": uri,
        "hostUuid": claim.outputs["hostUuid"],
        "amounts": item["amounts"],
    }


def make_admission(provider: Provider, claim: Made, uri: str, **changes: Any) -> Made:
    return make(provider, "Admission", {**admission_inputs(claim, uri), **changes})
