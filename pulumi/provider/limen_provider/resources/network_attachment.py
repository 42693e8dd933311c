"""`limen:index:NetworkAttachment`: a network card of a domain, moved between networks in place."""

import contextlib
from typing import Any, ClassVar

from limen.hypervisor.connection import Connection
from limen.hypervisor.devices import DETACH_SECONDS, attach_interface, detach_interface
from limen.hypervisor.domains import find_domain
from limen.hypervisor.errors import NotFound
from limen.hypervisor.model import DomainSeen, InterfaceSeen
from limen.hypervisor.reservations import release_address, reserve_address
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.fields import Inputs, given
from limen_provider.hosts import required_uri
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.resources.hosted import Hosted, known, split_id

_INPUTS = ("libvirtUri", "uuid", "mac", "network", "bridge", "model", "address", "hostname")
_IDENTITY = ("uuid", "mac", "model")


class NetworkAttachment(Hosted):
    """Its id is `domain UUID/MAC`. With `address`, the network's DHCP server gives the card that address."""

    type_name: ClassVar[str] = "limen:index:NetworkAttachment"
    schema: ClassVar[dict[str, Any]] = schemas.NETWORK_ATTACHMENT

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, _INPUTS)
        mac = inputs.text("mac")
        checked = given(
            libvirtUri=inputs.text("libvirtUri"),
            uuid=inputs.uuid("uuid"),
            mac=mac.lower() if isinstance(mac, str) else mac,
            network=inputs.text("network", required=False),
            bridge=inputs.text("bridge", required=False),
            model=inputs.text("model", required=False),
            address=inputs.text("address", required=False),
            hostname=inputs.text("hostname", required=False),
        )
        if ("network" in checked) == ("bridge" in checked):
            inputs.fail("network", "Name either a network or a bridge.")
        elif "address" in checked and "bridge" in checked:
            inputs.fail("address", "Only a network gives out addresses.")
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        changes = compare(old_inputs, news)
        # A UUID that is not known yet is that of a domain that is replaced itself.
        replaces = [name for name in _IDENTITY if name in changes and (name == "uuid" or known(news, name))]
        if replaces:
            return Diff(changes, replaces=replaces, delete_before_replace=True)
        if not known(news, "libvirtUri", "uuid", "mac"):
            return Diff(changes)
        if self.blind:
            return Diff(changes)
        domain = self._find(call, news)
        card = None if domain is None else _card(domain, news["mac"])
        if domain is None or (card is not None and _is_there(card, news)):
            return Diff(changes)
        what = "lacks the network card" if card is None else "moves the network card"
        call.log.info(f"{domain.name} {what} {news['mac']}: changed live.")
        return Diff(changes, ["network" if "network" in news else "bridge"])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if not preview:
            self._attach(call, inputs, {})
        return Created("" if preview else f"{inputs['uuid']}/{inputs['mac']}", inputs)

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if not preview:
            self._attach(call, inputs, olds)
        return inputs

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        uuid, mac = split_id(resource_id)
        inputs = inputs or {"libvirtUri": required_uri(), "uuid": uuid, "mac": mac}
        domain = self._find(call, inputs)
        card = None if domain is None else _card(domain, inputs["mac"])
        if card is None:
            return None
        if not _is_there(card, inputs):
            rest = {name: value for name, value in inputs.items() if name not in ("network", "bridge")}
            # A card on a libvirt network names that network's bridge as well.
            inputs = {**rest, **given(network=card.network, bridge=None if card.network else card.bridge)}
        return Found(resource_id, inputs, inputs)

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        uuid, mac = split_id(resource_id)
        seconds = call.timeout or DETACH_SECONDS

        def detach(connection: Connection) -> None:
            detach_interface(connection, uuid, mac, seconds)

        # Where the domain is gone already, the address is given back all the same.
        with contextlib.suppress(NotFound):
            self.on_host(call, outputs, detach, f"the guest to let go of the card {mac}")
        self._release(call, outputs)

    def _find(self, call: Call, inputs: Properties) -> DomainSeen | None:
        return self.on_host(
            call, inputs, lambda host: find_domain(host, inputs["uuid"]), f"libvirt at {inputs['libvirtUri']}"
        )

    def _attach(self, call: Call, inputs: Properties, olds: Properties) -> None:
        uuid, mac = inputs["uuid"], inputs["mac"]

        def attach(connection: Connection) -> None:
            # The address first: a guest asks for it as soon as it sees its card on the network.
            if "address" in inputs:
                domain = find_domain(connection, uuid)
                reserve_address(
                    *(connection, inputs["network"], mac, inputs["address"]),
                    hostname=inputs.get("hostname"),
                    claim=domain.hint.claim if domain and domain.hint else None,
                )
            where = given(network=inputs.get("network"), bridge=inputs.get("bridge"))
            attach_interface(connection, uuid, mac, **where, **given(model=inputs.get("model")))

        self.on_host(call, inputs, attach, f"the network card {mac}")
        if "address" in olds and ("address" not in inputs or olds.get("network") != inputs.get("network")):
            self._release(call, olds)

    def _release(self, call: Call, properties: Properties) -> None:
        if "address" not in properties:
            return
        network, mac = properties["network"], properties["mac"]

        def release(connection: Connection) -> None:
            release_address(connection, network, mac)

        self.on_host(call, properties, release, f"the network {network}")


def _card(domain: DomainSeen, mac: str) -> InterfaceSeen | None:
    return next((card for card in domain.interfaces if card.mac.lower() == mac.lower()), None)


def _is_there(card: InterfaceSeen, inputs: Properties) -> bool:
    if "network" in inputs:
        return bool(card.network == inputs["network"])
    return card.network is None and bool(card.bridge == inputs.get("bridge"))
