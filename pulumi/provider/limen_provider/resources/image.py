"""`limen:index:Image`: a base image on a host, imported once, shared by its stacks, deleted by none."""

from pathlib import Path
from typing import Any, ClassVar

from limen.hypervisor.images import ensure_image, find_image, image_name
from limen.hypervisor.model import VolumeSeen
from limen.quota.errors import LimenError
from limen_provider.changes import compare
from limen_provider.download import fetched
from limen_provider.engine import with_progress
from limen_provider.errors import ProviderError
from limen_provider.fields import Inputs, given
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Change, Checked, Created, Diff, Found, Properties
from limen_provider.schemas import NUMBER, TEXT, described, resource_schema
from limen_provider.services import Services

_INPUTS = ("libvirtUri", "pool", "source", "sha256")
_IDENTITY = ("libvirtUri", "pool", "sha256")

SCHEMA = resource_schema(
    "A base image on a host: imported once, and never deleted by a stack.",
    {
        "libvirtUri": described(TEXT, "How this program reaches the host."),
        "pool": described(TEXT, "The storage pool that holds it."),
        "source": described(TEXT, "Path on this machine, or http(s) URL, of a qcow2 image."),
        "sha256": described(TEXT, "SHA-256 of the file, in hexadecimal."),
    },
    {
        "name": described(TEXT, "The volume's name in the pool."),
        "volumeId": described(TEXT, "Libvirt's key of the volume."),
        "capacity": described(NUMBER, "What a disk on it holds at least, in bytes."),
        "length": described(NUMBER, "The file's length in bytes."),
    },
)


class Image:
    """Its id is `pool/volume name`; the name is the checksum, so another content is another image."""

    type_name: ClassVar[str] = "limen:index:Image"
    schema: ClassVar[dict[str, Any]] = SCHEMA

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, _INPUTS)
        checked = given(**{name: inputs.text(name) for name in _INPUTS})
        sha256 = checked.get("sha256")
        if isinstance(sha256, str):
            try:
                image_name(sha256)
                checked["sha256"] = sha256.lower()
            except LimenError as error:
                inputs.fail("sha256", str(error))
        source = checked.get("source")
        if isinstance(source, str) and not _is_url(source) and not olds and not Path(source).is_file():
            inputs.fail("source", f"There is no file {source} on this machine.")
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        """Where the file lies on this machine does not matter once its content is on the host."""
        found = compare(old_inputs, news)
        changes: dict[str, Change] = {name: found[name] for name in _IDENTITY if name in found}
        return Diff(changes, replaces=[name for name in changes if news.get(name) is not UNKNOWN])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if preview:
            unknown = dict.fromkeys(("volumeId", "capacity", "length"), UNKNOWN)
            return Created("", {**inputs, "name": image_name(inputs["sha256"]), **unknown})
        sha256 = inputs["sha256"]
        done = [0, 1]

        def progress(sent: int, total: int) -> None:
            done[:] = [sent, total]

        def bring() -> tuple[VolumeSeen, int]:
            source = (
                fetched(inputs["source"], sha256) if _is_url(inputs["source"]) else Path(inputs["source"])
            )
            connection = self._services.hosts.connection(inputs["libvirtUri"])
            return ensure_image(connection, inputs["pool"], source, sha256, progress), source.stat().st_size

        what = f"the image {inputs['source']} to be on the host"
        seen, length = with_progress(bring, call.log, what, self._services.cancelled)
        return Created(f"{inputs['pool']}/{seen.name}", _outputs(inputs, seen, length))

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        if not inputs:
            raise ProviderError(
                "An image is not imported into a state: declare it, and it is found by its checksum."
            )
        connection = self._services.hosts.connection(inputs["libvirtUri"])
        length = int(outputs.get("length", 0))
        seen = find_image(connection, inputs["pool"], inputs["sha256"], length)
        return None if seen is None else Found(resource_id, inputs, _outputs(inputs, seen, length))

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        return {**olds, **inputs}

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Base images belong to the host: others may build on this one."""


def _outputs(inputs: Properties, seen: VolumeSeen, length: int) -> dict[str, Any]:
    return {
        **inputs,
        "name": seen.name,
        "volumeId": seen.key,
        "capacity": seen.capacity,
        "length": length,
    }


def _is_url(source: str) -> bool:
    return source.startswith(("https://", "http://"))
