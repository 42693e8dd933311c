"""Entries of pools, images and disks."""

from limen.quota.units import format_amount
from pulumi_limen.spec.problems import Problems
from pulumi_limen.spec.reader import MIB, Reader
from pulumi_limen.spec.values import DiskSpec, ImageSpec, PoolSpec

DEFAULT_POOL = "default"
_NEEDS = {"dir": ("path",), "lvm": ("volume_group",), "nfs": ("server", "export", "path"), "existing": ()}
_OPTIONS = ("path", "volume_group", "server", "export", "libvirt_name")


def parse_pool(name: str, reader: Reader) -> PoolSpec:
    kind = reader.choice("type", tuple(_NEEDS))
    for field in _NEEDS[kind]:
        if field not in reader:
            reader.fail(field, f"is missing: a pool of type `{kind}` needs it")
    allowed = (*_NEEDS[kind], *(("libvirt_name",) if kind == "existing" else ()))
    reader.forbid(
        tuple(field for field in _OPTIONS if field not in allowed), f"a pool of type `{kind}` has none"
    )
    return PoolSpec(
        name=name,
        type=kind,
        path=reader.absolute("path"),
        volume_group=reader.optional("volume_group"),
        server=reader.optional("server"),
        export=reader.absolute("export"),
        libvirt_name=reader.text("libvirt_name", name) if kind == "existing" else None,
    )


def parse_image(name: str, reader: Reader) -> ImageSpec:
    kernel, initrd = reader.absolute("kernel"), reader.absolute("initrd")
    if initrd and not kernel:
        reader.fail("initrd", "needs a `kernel`")
    source = reader.text("source")
    for field in ("source", "sha256"):
        if field not in reader:
            reader.fail(field, "is missing or empty")
    return ImageSpec(
        name=name,
        source=source,
        sha256=reader.named("sha256", "sha256"),
        pool=reader.text("pool", DEFAULT_POOL),
        user=reader.text("user", "debian"),
        kernel=kernel,
        initrd=initrd,
        cmdline=reader.optional("cmdline"),
    )


def parse_disk(name: str, reader: Reader) -> DiskSpec:
    image = reader.optional("image")
    disk_format = reader.choice("format", ("qcow2", "raw"))
    if image and disk_format == "raw":
        reader.fail("format", "an overlay is qcow2: raw has no base image")
    size = reader.amount("size", "disk")
    check_size(size, "size", reader)
    return DiskSpec(
        name=name,
        key=reader.named("key", "name") or name,
        size=size,
        pool=reader.text("pool", DEFAULT_POOL),
        image=image,
        format=disk_format,
        keep=reader.flag("keep", True),
        rebuild=reader.whole("rebuild") or 0,
    )


def check_size(size: int, field: str, reader: Reader) -> None:
    """Note a capacity that libvirt would round, so that what is charged and what is there would differ."""
    if size % MIB:
        reader.fail(field, f"{format_amount(size, 'disk')} is not a whole number of MiB")


def check_pool(pool: str, known: frozenset[str], path: str, problems: Problems) -> None:
    """Note a pool that is not declared; the host's `default` needs no declaration."""
    if pool != DEFAULT_POOL and pool not in known:
        problems.add(path, f"unknown pool {pool!a:.60}; declared are {', '.join(sorted(known)) or 'none'}")
