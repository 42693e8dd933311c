"""`limen:index:VolumeSize`: a volume's capacity, grown in place and never shrunk."""

from typing import Any, ClassVar

from limen.hypervisor.model import VolumeSeen
from limen.hypervisor.volumes import find_volume, grow_volume, plan_grow
from limen.quota.units import display_amount
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.fields import Inputs, given
from limen_provider.hosts import required_uri
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.resources.hosted import BY_STATE, Hosted, known, split_id

_IDENTITY = ("pool", "name")


class VolumeSize(Hosted):
    """Its id is `pool/name`. Deleting it leaves the volume as it is."""

    type_name: ClassVar[str] = "limen:index:VolumeSize"
    schema: ClassVar[dict[str, Any]] = schemas.VOLUME_SIZE

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, ("libvirtUri", "pool", "name", "size"))
        checked = given(
            libvirtUri=inputs.text("libvirtUri"),
            pool=inputs.text("pool"),
            name=inputs.text("name"),
            size=inputs.whole("size", 1),
        )
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        """Look at the volume as well; raises `Refused` for a shrink, so that already the preview fails."""
        changes = compare(old_inputs, news)
        replaces = [name for name in _IDENTITY if name in changes and known(news, name)]
        if replaces or not known(news, "libvirtUri", "pool", "name", "size"):
            return Diff(changes, replaces=replaces)
        held = olds.get("size") if self.blind else self._held(call, news)
        if held is None or plan_grow(resource_id, held, news["size"], in_use=False) == "none":
            return Diff(changes)
        sizes = f"{display_amount(held, 'disk')} to {display_amount(news['size'], 'disk')}"
        call.log.info(f"{resource_id} grows from {sizes}, live.{BY_STATE if self.blind else ''}")
        return Diff(changes, ["size"])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if not preview:
            self._grow(call, inputs)
        return Created("" if preview else f"{inputs['pool']}/{inputs['name']}", inputs)

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if not preview:
            self._grow(call, inputs)
        return inputs

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        pool, name = split_id(resource_id)
        inputs = inputs or {"libvirtUri": required_uri(), "pool": pool, "name": name}
        volume = self._find(call, inputs)
        if volume is None:
            return None
        inputs = {**inputs, "size": volume.capacity}
        return Found(resource_id, inputs, inputs)

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Nothing: the volume has a resource of its own."""

    def _held(self, call: Call, inputs: Properties) -> int | None:
        volume = self._find(call, inputs)
        return None if volume is None else volume.capacity

    def _find(self, call: Call, inputs: Properties) -> VolumeSeen | None:
        return self.on_host(
            call,
            inputs,
            lambda host: find_volume(host, inputs["pool"], inputs["name"]),
            f"libvirt at {inputs['libvirtUri']}",
        )

    def _grow(self, call: Call, inputs: Properties) -> None:
        pool, name, size = inputs["pool"], inputs["name"], inputs["size"]
        way = self.on_host(
            call, inputs, lambda host: grow_volume(host, pool, name, size), f"{pool}/{name} to grow"
        )
        if way != "none":
            call.log.info(f"{pool}/{name} has grown to {display_amount(size, 'disk')} ({way}).")
