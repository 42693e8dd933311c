"""`limen:index:DomainMetadata`: whose a domain is, and its tags, kept in libvirt's metadata in place."""

from collections.abc import Mapping
from typing import Any, ClassVar

from limen.hypervisor.connection import Connection
from limen.hypervisor.domains import find_metadata, set_hint, set_tags
from limen.hypervisor.model import Hint
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.fields import Inputs, given
from limen_provider.hosts import required_uri
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.resources.hosted import Hosted, known

_HINT = ("owner", "project", "claim", "key", "stack")
_INPUTS = ("libvirtUri", "uuid", *_HINT, "tags")


class DomainMetadata(Hosted):
    """Its id is the domain's UUID. Deleting it changes nothing: the metadata goes with the domain."""

    type_name: ClassVar[str] = "limen:index:DomainMetadata"
    schema: ClassVar[dict[str, Any]] = schemas.DOMAIN_METADATA

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, _INPUTS)
        checked = given(
            libvirtUri=inputs.text("libvirtUri"),
            uuid=inputs.uuid("uuid"),
            **{name: inputs.text(name, required=name != "stack") for name in _HINT},
            tags=inputs.texts("tags", _names(news)) if "tags" in news else None,
        )
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        changes = compare(old_inputs, news)
        if "uuid" in changes:
            return Diff(changes, replaces=["uuid"], delete_before_replace=True)
        if not known(news, *_INPUTS[:-2]) or not _known_tags(news):
            return Diff(changes)
        if self.blind:
            return Diff(changes)
        held = self._find(call, news)
        if held is None or held == (_hint(news), _tags(news)):
            return Diff(changes)
        return Diff(changes, ["tags"])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if not preview:
            self._write(call, inputs)
        return Created("" if preview else inputs["uuid"], inputs)

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if not preview:
            self._write(call, inputs)
        return inputs

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """What stands there, so that a refresh shows what others wrote."""
        inputs = inputs or {"libvirtUri": required_uri(), "uuid": resource_id}
        held = self._find(call, inputs)
        if held is None:
            return None
        hint, tags = held
        found = given(
            libvirtUri=inputs["libvirtUri"],
            uuid=inputs["uuid"],
            **{name: getattr(hint, name) or None for name in _HINT if hint is not None},
            tags=dict(tags) or None,
        )
        return Found(resource_id, found, found)

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        return

    def _find(self, call: Call, inputs: Properties) -> tuple[Hint | None, Mapping[str, str]] | None:
        return self.on_host(
            call,
            inputs,
            lambda host: find_metadata(host, inputs["uuid"]),
            f"libvirt at {inputs['libvirtUri']}",
        )

    def _write(self, call: Call, inputs: Properties) -> None:
        def write(connection: Connection) -> None:
            set_hint(connection, inputs["uuid"], _hint(inputs))
            set_tags(connection, inputs["uuid"], _tags(inputs))

        self.on_host(call, inputs, write, "the metadata to be written")


def _names(news: Properties) -> tuple[str, ...]:
    tags = news.get("tags")
    return tuple(tags) if isinstance(tags, dict) else ()


def _known_tags(news: Properties) -> bool:
    tags = news.get("tags")
    return tags is not UNKNOWN and UNKNOWN not in _tags(news).values()


def _hint(inputs: Properties) -> Hint:
    return Hint(**{name: inputs.get(name) or "" for name in _HINT})


def _tags(inputs: Properties) -> dict[str, Any]:
    return dict(inputs.get("tags") or {})
