"""A virtual machine's entry."""

from collections.abc import Mapping
from typing import Any

import yaml

from limen.quota.units import format_amount
from pulumi_limen.spec import names
from pulumi_limen.spec.names import is_host_name, is_name
from pulumi_limen.spec.problems import child
from pulumi_limen.spec.reader import Reader
from pulumi_limen.spec.storage import DEFAULT_POOL, check_size
from pulumi_limen.spec.values import DiskSpec, DiskUse, ImageSpec, NicSpec, VmSpec

_TARGETS = tuple(f"vd{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")
MAX_DEVICES = 8
"""Data disks and further network cards together: a q35 machine needs a PCI Express port for each."""


def parse_vm(name: str, reader: Reader, images: Mapping[str, ImageSpec]) -> VmSpec:
    """The VM; what is wrong is noted in the reader's problems."""
    key = reader.named("key", "name") or name
    image_name = reader.text("image")
    image = images.get(image_name)
    vcpus, memory = reader.amount("vcpus", "vcpus"), reader.amount("memory", "memory")
    firmware = reader.choice("firmware", ("bios", "uefi", "uefi-secure"))
    kernel = reader.absolute("kernel") or (image.kernel if image and firmware == "bios" else None)
    if kernel and firmware == "uefi-secure":
        reader.fail("kernel", "secure boot checks what the firmware loads: leave the kernel out")
    if "initrd" in reader and not kernel:
        reader.fail("initrd", "needs a `kernel`")
    cloud_init = reader.flag("cloud_init", True)
    if not cloud_init:
        reader.forbid(("user_data", "ssh_keys"), "needs `cloud_init: true`")
    return VmSpec(
        name=name,
        key=key,
        hostname=_hostname(name, reader),
        vcpus=vcpus,
        memory=memory,
        max_vcpus=_ceiling(reader, "max_vcpus", "vcpus", vcpus),
        max_memory=_ceiling(reader, "max_memory", "memory", memory),
        root=_root(key, image_name, reader),
        disks=_disks(reader),
        nics=_nics(reader),
        user=reader.text("user", image.user if image else "debian"),
        ssh_keys=_ssh_keys(reader),
        user_data=_user_data(reader),
        cloud_init=cloud_init,
        autostart=reader.flag("autostart", True),
        firmware=firmware,
        tpm=reader.flag("tpm", False),
        kernel=kernel,
        initrd=reader.absolute("initrd") or (image.initrd if image and kernel == image.kernel else None),
        cmdline=reader.optional("cmdline") or (image.cmdline if image and kernel else None),
        domain_type=reader.choice("domain_type", ("auto", "kvm", "qemu")),
        cpu_mode=reader.optional("cpu_mode"),
        machine=reader.optional("machine"),
        serial=reader.flag("serial", True),
        vnc=reader.flag("vnc", False),
        guest_agent=reader.flag("guest_agent", True),
        wait_for_address=reader.flag("wait_for_address", True),
        shutdown_seconds=30
        if reader.whole("shutdown_seconds") is None
        else reader.whole("shutdown_seconds") or 0,
        tags=_tags(reader),
    )


def _hostname(name: str, reader: Reader) -> str:
    if "hostname" in reader:
        return reader.named("hostname", "host_name")
    if is_name(name) and not is_host_name(name):
        reader.fail("hostname", f"is missing: {name} names the VM, but no host may be called that")
    return name


def _ceiling(reader: Reader, field: str, resource: str, size: int) -> int:
    ceiling = reader.amount(field, resource, size)
    if ceiling and ceiling < size:
        reader.fail(field, f"is below {resource}, {format_amount(size, resource)}")
    return ceiling


def _root(key: str, image: str, reader: Reader) -> DiskSpec:
    size = reader.amount("disk", "disk")
    check_size(size, "disk", reader)
    return DiskSpec(
        name=f"{key}-root",
        key=f"{key}-root",
        size=size,
        pool=reader.text("pool", DEFAULT_POOL),
        image=image,
        keep=reader.flag("keep", False),
        rebuild=reader.whole("rebuild") or 0,
    )


def _disks(reader: Reader) -> tuple[DiskUse, ...]:
    found: list[DiskUse] = []
    for index, entry in enumerate(reader.items("disks")):
        fields = {"disk": entry} if isinstance(entry, str) else entry
        each = Reader(fields, child(child(reader.path, "disks"), index), reader.problems)
        if index >= MAX_DEVICES:
            each.fail("", f"a VM takes at most {MAX_DEVICES} data disks")
        target = each.named("target", "target", _TARGETS[min(index, len(_TARGETS) - 1)])
        if target in (use.target for use in found):
            each.fail("target", f"{target} is taken by another disk of this VM: name another target")
        found.append(DiskUse(each.text("disk"), target, each.flag("readonly", False)))
    return tuple(found)


def _nics(reader: Reader) -> tuple[NicSpec, ...]:
    found: list[NicSpec] = []
    for index, entry in enumerate(reader.items("networks")):
        fields = {"network": entry} if isinstance(entry, str) else entry
        each = Reader(fields, child(child(reader.path, "networks"), index), reader.problems)
        if index >= MAX_DEVICES:
            each.fail("", f"a VM takes at most {MAX_DEVICES} network cards")
        found.append(NicSpec(each.text("network"), each.address("address"), each.named("mac", "mac") or None))
    return tuple(found)


def _tags(reader: Reader) -> Mapping[str, str]:
    """Tags by name. Empty ones are left out, so that a variable of the environment may be unset."""
    each = Reader(reader.mapping("tags"), child(reader.path, "tags"), reader.problems)
    found: dict[str, str] = {}
    for name in reader.mapping("tags"):
        if not isinstance(name, str) or not names.is_tag(name):
            each.fail(name, f"{name!a:.60} will not do as the name of a tag: use {names.RULES['tag']}")
        elif value := each.named(name, "tag_value"):
            found[name] = value
    return found


def _ssh_keys(reader: Reader) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in reader.texts("ssh_keys"))
    for index, key in enumerate(keys):
        parts = key.split()
        if len(parts) < 2 or "\n" in key or not parts[0].startswith(("ssh-", "ecdsa-", "sk-")):
            reader.fail(
                f"ssh_keys[{index}]", "is not a public key in OpenSSH's format (`ssh-ed25519 AAAA... name`)"
            )
    return keys


def _user_data(reader: Reader) -> Mapping[str, Any] | None:
    given = reader.mapping("user_data")
    if given or "user_data" not in reader:
        return given or None
    text = reader.text("user_data")
    if not text:
        return None
    if not text.startswith("#cloud-config"):
        reader.fail("user_data", "must begin with the line #cloud-config")
        return None
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reader.fail("user_data", f"is not YAML: {' '.join(str(error).split())}")
        return None
    if loaded is not None and not isinstance(loaded, dict):
        reader.fail("user_data", "must be a mapping of cloud-config keys")
        return None
    return loaded or None
