"""`limen:index:NfsPool`: a storage pool on an NFS share, which the libvirt plugin cannot declare."""

from typing import Any, ClassVar

from limen.hypervisor.connection import Connection
from limen.hypervisor.pools import ensure_nfs_pool, remove_pool
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.errors import ProviderError
from limen_provider.fields import Inputs, given
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.resources.hosted import Hosted

_IDENTITY = ("name", "server", "export", "path")


class NfsPool(Hosted):
    """Its id is the pool's name. Deleting it unmounts the share; what is stored stays."""

    type_name: ClassVar[str] = "limen:index:NfsPool"
    schema: ClassVar[dict[str, Any]] = schemas.NFS_POOL

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, ("libvirtUri", *_IDENTITY))
        checked = given(
            libvirtUri=inputs.text("libvirtUri"), **{name: inputs.text(name) for name in _IDENTITY}
        )
        for name in ("export", "path"):
            value = checked.get(name)
            if isinstance(value, str) and not value.startswith("/"):
                inputs.fail(name, "This must be an absolute path.")
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        changes = compare(old_inputs, news)
        replaces = [name for name in _IDENTITY if name in changes and news.get(name) is not UNKNOWN]
        return Diff(changes, replaces=replaces, delete_before_replace=True)

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if not preview:
            self._ensure(call, inputs)
        return Created("" if preview else inputs["name"], inputs)

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if not preview:
            self._ensure(call, inputs)
        return inputs

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """As it was made; that it is mounted is seen to by the next change."""
        if not inputs:
            raise ProviderError("An NfsPool cannot be imported: declare it, which takes over what is there.")
        return Found(resource_id, inputs, inputs)

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        self.on_host(call, outputs, lambda host: remove_pool(host, resource_id), f"the pool {resource_id}")

    def _ensure(self, call: Call, inputs: Properties) -> None:
        def ensure(connection: Connection) -> bool:
            return ensure_nfs_pool(connection, *(inputs[name] for name in _IDENTITY))

        self.on_host(call, inputs, ensure, f"{inputs['server']}:{inputs['export']} to be mounted")
