"""`limen:index:DiskAttachment`: a volume plugged into a domain, live and in its definition."""

from typing import Any, ClassVar

from limen.hypervisor.connection import Connection
from limen.hypervisor.devices import DETACH_SECONDS, attach_disk, detach_disk
from limen.hypervisor.domains import find_domain
from limen.hypervisor.errors import NotFound
from limen.hypervisor.model import DiskSeen, DomainSeen
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.fields import Inputs, given
from limen_provider.hosts import required_uri
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.resources.hosted import Hosted, known, split_id

_IDENTITY = ("uuid", "target", "pool", "volume", "bus", "readonly")


class DiskAttachment(Hosted):
    """Its id is `domain UUID/target`."""

    type_name: ClassVar[str] = "limen:index:DiskAttachment"
    schema: ClassVar[dict[str, Any]] = schemas.DISK_ATTACHMENT

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, ("libvirtUri", *_IDENTITY))
        checked = given(
            libvirtUri=inputs.text("libvirtUri"),
            uuid=inputs.uuid("uuid"),
            target=inputs.text("target"),
            pool=inputs.text("pool"),
            volume=inputs.text("volume"),
            bus=inputs.text("bus", required=False),
            readonly=inputs.flag("readonly"),
        )
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        changes = compare(old_inputs, news)
        # A UUID that is not known yet is that of a domain that is replaced itself.
        replaces = [
            name
            for name in _IDENTITY
            if name in changes and (name == "uuid" or news.get(name) is not UNKNOWN)
        ]
        if replaces:
            if "uuid" not in replaces:
                call.log.info(f"{news['target']} is unplugged, and the other disk is plugged in, live.")
            return Diff(changes, replaces=replaces, delete_before_replace=True)
        if not known(news, "libvirtUri", "uuid", "target"):
            return Diff(changes)
        if self.blind:
            return Diff(changes)
        domain = self._find(call, news)
        if domain is None or _disk(domain, news):
            return Diff(changes)
        call.log.info(f"{domain.name} lacks the disk {news['target']}: it is plugged in again, live.")
        return Diff(changes, ["volume"])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if not preview:
            self._attach(call, inputs)
        return Created("" if preview else f"{inputs['uuid']}/{inputs['target']}", inputs)

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if not preview:
            self._attach(call, inputs)
        return inputs

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        uuid, target = split_id(resource_id)
        inputs = inputs or {"libvirtUri": required_uri(), "uuid": uuid, "target": target}
        domain = self._find(call, inputs)
        disk = None if domain is None else _disk(domain, inputs)
        if disk is None:
            return None
        inputs = {**given(pool=disk.pool, volume=disk.volume, readonly=disk.readonly or None), **inputs}
        return Found(resource_id, inputs, inputs)

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        uuid, target = split_id(resource_id)
        seconds = call.timeout or DETACH_SECONDS

        def detach(connection: Connection) -> None:
            detach_disk(connection, uuid, target, seconds)

        try:
            self.on_host(call, outputs, detach, f"the guest to let go of {target}")
        except NotFound:
            return

    def _find(self, call: Call, inputs: Properties) -> DomainSeen | None:
        return self.on_host(
            call, inputs, lambda host: find_domain(host, inputs["uuid"]), f"libvirt at {inputs['libvirtUri']}"
        )

    def _attach(self, call: Call, inputs: Properties) -> None:
        def attach(connection: Connection) -> bool:
            return attach_disk(
                connection,
                *(inputs["uuid"], inputs["target"], inputs["pool"], inputs["volume"]),
                **given(bus=inputs.get("bus"), readonly=inputs.get("readonly")),
            )

        self.on_host(call, inputs, attach, f"{inputs['target']} to be plugged in")


def _disk(domain: DomainSeen, inputs: Properties) -> DiskSeen | None:
    """The disk at the wanted target, if it is the wanted volume as far as libvirt can tell."""
    for disk in domain.disks:
        if disk.target == inputs["target"]:
            wanted = (inputs.get("pool", disk.pool), inputs.get("volume", disk.volume))
            same = None in (disk.pool, disk.volume) or (disk.pool, disk.volume) == wanted
            return disk if same else None
    return None
