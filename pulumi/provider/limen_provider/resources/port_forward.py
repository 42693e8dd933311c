"""`limen:index:PortForward`: a port of the host that leads to a guest."""

from ipaddress import IPv4Address
from typing import Any, ClassVar

from limen.hypervisor.connection import Connection
from limen.hypervisor.forwards import Target, ensure_forward, find_forward, remove_forward
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.errors import ProviderError
from limen_provider.fields import Inputs, given
from limen_provider.hosts import required_uri
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.resources.hosted import Hosted, known

_IDENTITY = ("network", "protocol", "hostPort")
_TARGET = ("address", "port")


class PortForward(Hosted):
    """Its id is `network/protocol/port`. It needs Limen's network hook on the host to take effect."""

    type_name: ClassVar[str] = "limen:index:PortForward"
    schema: ClassVar[dict[str, Any]] = schemas.PORT_FORWARD

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, ("libvirtUri", *_IDENTITY, *_TARGET))
        checked = given(
            libvirtUri=inputs.text("libvirtUri"),
            network=inputs.text("network"),
            protocol=inputs.text("protocol", required=False) or "tcp",
            hostPort=inputs.whole("hostPort", 1),
            address=inputs.text("address"),
            port=inputs.whole("port", 1),
        )
        for name in ("hostPort", "port"):
            value = checked.get(name)
            if isinstance(value, int) and value > 65535:
                inputs.fail(name, "This must be a port, 1 to 65535.")
        if checked["protocol"] not in ("tcp", "udp", UNKNOWN):
            inputs.fail("protocol", "This must be tcp or udp.")
        if isinstance(checked.get("address"), str) and not _is_address(checked["address"]):
            inputs.fail("address", "This must be an IPv4 address.")
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        changes = compare(old_inputs, news)
        replaces = [name for name in _IDENTITY if name in changes and known(news, name)]
        if replaces:
            return Diff(changes, replaces=replaces, delete_before_replace=True)
        # A network that was made anew has lost its forwards, which the state does not know.
        if not known(news, "libvirtUri", *_IDENTITY, *_TARGET):
            return Diff(changes)
        if self.blind:
            return Diff(changes)
        wanted = Target(news["address"], news["port"])
        return Diff(changes, [] if self._find(call, news) == wanted else ["address"])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if not preview:
            self._ensure(call, inputs)
        return Created("" if preview else "/".join(str(inputs[name]) for name in _IDENTITY), inputs)

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if not preview:
            self._ensure(call, inputs)
        return inputs

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        if not inputs:
            inputs = {"libvirtUri": required_uri(), **_identity(resource_id)}
        target = self._find(call, inputs)
        if target is None:
            return None
        inputs = {**inputs, "address": target.address, "port": target.port}
        return Found(resource_id, inputs, inputs)

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        identity = _identity(resource_id)

        def remove(connection: Connection) -> None:
            remove_forward(connection, identity["network"], identity["protocol"], identity["hostPort"])

        self.on_host(call, outputs, remove, f"the network {identity['network']}")

    def _find(self, call: Call, inputs: Properties) -> Target | None:
        def find(connection: Connection) -> Target | None:
            return find_forward(connection, inputs["network"], inputs["protocol"], inputs["hostPort"])

        return self.on_host(call, inputs, find, f"the network {inputs['network']}")

    def _ensure(self, call: Call, inputs: Properties) -> None:
        def ensure(connection: Connection) -> None:
            target = Target(inputs["address"], inputs["port"])
            ensure_forward(connection, inputs["network"], inputs["protocol"], inputs["hostPort"], target)

        self.on_host(call, inputs, ensure, f"the network {inputs['network']}")


def _is_address(value: str) -> bool:
    try:
        IPv4Address(value)
    except ValueError:
        return False
    return True


def _identity(resource_id: str) -> dict[str, Any]:
    network, protocol, port = (*resource_id.rsplit("/", 2), "", "")[:3]
    if protocol not in ("tcp", "udp") or not port.isdecimal():
        raise ProviderError(f"{resource_id!a:.80} is no id of a PortForward: write NETWORK/tcp/PORT.")
    return {"network": network, "protocol": protocol, "hostPort": int(port)}
