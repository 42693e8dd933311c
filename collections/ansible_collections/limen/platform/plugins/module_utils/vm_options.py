# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of the module `vm` to declared VMs. Everything that can't be right is refused here, all at once."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import parse_amount
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput, LimenError
from ansible_collections.limen.platform.plugins.module_utils.names import check_project_name
from ansible_collections.limen.platform.plugins.module_utils.vm_model import (
    BUSES,
    KIB,
    STATES,
    Card,
    Disk,
    Seed,
    Wanted,
)
from ansible_collections.limen.platform.plugins.module_utils.vm_xml import check_template

Options = t.Mapping[str, t.Any]

DEFAULT_POOL = "default"
DEFAULTS = {
    "state": "running",
    "firmware": "bios",
    "domain_type": "auto",
    "allow_restart": False,
    "force": False,
    "shutdown_seconds": 120,
    "remove_disks": False,
}
"""What is meant where neither an entry of the list nor the task says."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_TAG = re.compile(r"[a-z][a-z0-9_]{0,62}")


def arguments() -> dict[str, dict[str, t.Any]]:
    """What the task and each entry of `vms` have in common, as an argument spec."""
    text = {"type": "str"}
    disk = {
        "name": {"type": "str", "required": True},
        "size": {"type": "str", "required": True},
        "pool": {"type": "str", "default": DEFAULT_POOL},
        "image": text,
        "bus": {"type": "str", "choices": sorted(BUSES), "default": "virtio"},
        "format": {"type": "str", "choices": ["qcow2", "raw"], "default": "qcow2"},
    }
    card = {"network": text, "bridge": text, "mac": text, "model": {"type": "str", "default": "virtio"}}
    return {
        "state": {"type": "str", "choices": list(STATES)},
        "project": text,
        "vcpus": {"type": "int"},
        "memory": text,
        "max_vcpus": {"type": "int"},
        "max_memory": text,
        "disks": {"type": "list", "elements": "dict", "options": disk},
        "networks": {
            "type": "list",
            "elements": "dict",
            "options": card,
            "mutually_exclusive": [("network", "bridge")],
            "required_one_of": [("network", "bridge")],
        },
        "autostart": {"type": "bool"},
        "tags": {"type": "dict"},
        "user_data": {"type": "str", "no_log": True},
        "ssh_keys": {"type": "list", "elements": "str", "no_log": False},
        "machine": text,
        "firmware": {"type": "str", "choices": ["bios", "uefi"]},
        "domain_type": {"type": "str", "choices": ["auto", "kvm", "qemu"]},
        "cpu_mode": {"type": "str", "choices": ["host-passthrough", "host-model", "maximum"]},
        "xml": text,
        "allow_restart": {"type": "bool"},
        "force": {"type": "bool"},
        "shutdown_seconds": {"type": "int"},
        "remove_disks": {"type": "bool"},
    }


def wanted_vms(options: Options) -> tuple[Wanted, ...]:
    """The VMs that a task declares, in its order; raises InvalidInput with every mistake."""
    entries = options["vms"] if options["vms"] is not None else [options]
    found: list[Wanted] = []
    problems: list[str] = []
    for index, entry in enumerate(entries):
        where = f"vms[{index}]: " if options["vms"] is not None else ""
        try:
            found.append(_wanted(entry, options))
        except LimenError as error:
            problems.append(f"{where}{error}")
    names = [each.name for each in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"These names are there more than once: {', '.join(twice)}.")
    if problems:
        raise InvalidInput(" ".join(problems))
    return tuple(found)


def _wanted(entry: Options, task: Options) -> Wanted:
    def value(option: str) -> t.Any:
        for source in (entry, task, DEFAULTS):
            if source.get(option) is not None:
                return source[option]
        return None

    name = _checked(entry["name"], _NAME, "the name of a VM", "letters, digits, dots, underscores, hyphens")
    if value("project") is None:
        raise InvalidInput(f"{name} needs a project: what it holds is charged to one.")
    disks = tuple(_disk(name, each) for each in value("disks") or ())
    _unique([disk.name.lower() for disk in disks], f"disks of {name}")
    cards = None if value("networks") is None else tuple(_card(name, each) for each in value("networks"))
    if value("xml") is not None:
        check_template(value("xml"))
    if value("shutdown_seconds") < 0:
        raise InvalidInput(f"shutdown_seconds of {name} must not be negative.")
    memory, max_memory = (
        _memory(name, "memory", value("memory")),
        _memory(name, "max_memory", value("max_memory")),
    )
    vcpus, max_vcpus = _vcpus(name, "vcpus", value("vcpus")), _vcpus(name, "max_vcpus", value("max_vcpus"))
    for what, size, ceiling in (("memory", memory, max_memory), ("vcpus", vcpus, max_vcpus)):
        if ceiling is not None and (size is None or size > ceiling):
            raise InvalidInput(f"max_{what} of {name} goes with {what}, and is not below it.")
    return Wanted(
        name=name,
        project=check_project_name(value("project")),
        state=value("state"),
        vcpus=vcpus,
        memory=memory,
        max_vcpus=max_vcpus,
        max_memory=max_memory,
        disks=disks,
        cards=cards,
        autostart=value("autostart"),
        tags=_tags(name, value("tags")),
        seed=_seed(name, disks, value("user_data"), value("ssh_keys")),
        machine=value("machine"),
        firmware=value("firmware"),
        domain_type=value("domain_type"),
        cpu_mode=value("cpu_mode"),
        template=value("xml"),
        allow_restart=value("allow_restart"),
        force=value("force"),
        shutdown_seconds=value("shutdown_seconds"),
        remove_disks=value("remove_disks"),
    )


def _disk(vm: str, options: Options) -> Disk:
    name = _checked(
        options["name"], _NAME, "the name of a disk", "letters, digits, dots, underscores, hyphens"
    )
    size = parse_amount(options["size"], "disk")
    if size < KIB or size % KIB:
        raise InvalidInput(f"The size of the disk {name} of {vm} must be whole KiB, at least one.")
    if "/" in options["pool"]:
        raise InvalidInput(f"{options['pool']!a} is not the name of a pool.")
    image = options["image"]
    if image is not None and "/" not in image:
        image = f"{options['pool']}/{image}"
    if image is not None and options["format"] != "qcow2":
        raise InvalidInput(f"The disk {name} of {vm} is a layer over an image: its format must be qcow2.")
    volume = _checked(
        f"{vm}-{name}",
        _VOLUME,
        "the name of a volume",
        "letters, digits, dots, underscores, hyphens, 120 of them for VM and disk together",
    )
    return Disk(name, options["pool"], volume, size, options["bus"], options["format"], image)


def _card(vm: str, options: Options) -> Card:
    mac = options["mac"]
    if mac is not None:
        mac = mac.lower()
        if not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1:
            raise InvalidInput(f"{options['mac']!a:.40} of {vm} is not the MAC address of a card.")
    return Card(options["network"], options["bridge"], options["model"], mac)


def _seed(
    vm: str, disks: t.Sequence[Disk], user_data: str | None, keys: t.Sequence[str] | None
) -> Seed | None:
    if user_data is None and not keys:
        return None
    if user_data is not None and keys:
        raise InvalidInput(f"{vm} has user_data and ssh_keys: write the keys into user_data.")
    if user_data is None:
        config = {"hostname": vm, "ssh_authorized_keys": list(keys or ())}
        user_data = "#cloud-config\n" + json.dumps(config, indent=1) + "\n"
    # Cloud-init runs once for each instance: another VM of that name has other user data.
    instance = hashlib.sha256(f"{vm}\n{user_data}".encode()).hexdigest()[:16]
    meta_data = json.dumps({"instance-id": f"{vm}-{instance}", "local-hostname": vm}) + "\n"
    return Seed(disks[0].pool if disks else DEFAULT_POOL, user_data, meta_data)


def _memory(vm: str, option: str, written: object) -> int | None:
    if written is None:
        return None
    amount = parse_amount(written, "memory")
    if amount < KIB or amount % KIB:
        raise InvalidInput(f"{option} of {vm} must be whole KiB, at least one.")
    return amount


def _vcpus(vm: str, option: str, number: int | None) -> int | None:
    if number is not None and not 1 <= number <= 4096:
        raise InvalidInput(f"{option} of {vm} must be from 1 to 4096.")
    return number


def _tags(vm: str, tags: t.Mapping[str, t.Any] | None) -> dict[str, str] | None:
    if tags is None:
        return None
    for name, value in tags.items():
        if not isinstance(name, str) or not _TAG.fullmatch(name):
            raise InvalidInput(
                f"{name!a:.60} of {vm} is not the name of a tag: use letters, digits, _ and -."
            )
        if not isinstance(value, (str, int)) or not str(value).isprintable():
            raise InvalidInput(f"The tag {name} of {vm} must be text of one line.")
    return {name: str(value) for name, value in tags.items()}


def _checked(text: str, pattern: re.Pattern[str], what: str, allowed: str) -> str:
    if not pattern.fullmatch(text):
        raise InvalidInput(f"{text!a:.80} is not {what}: use {allowed}, beginning with a letter or digit.")
    return text


def _unique(names: t.Sequence[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"The {what} are there more than once: {', '.join(twice)}.")
