# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""How SSH gets to a machine: directly, through its hypervisor, or by what the inventory says. Pure."""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.host_uri import InvalidUri, parse
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import Machine

_HELP = "After `make up`, `. .limen/env` sets LIMEN_LIBVIRT_URI."
JUMPS = ("auto", "always", "never")
NO_ADDRESS = "no-address.invalid"
"""A name that never resolves (RFC 6761): without it SSH would look for a machine of the inventory's name."""
_OPEN = ("route", "open", "bridge", "private", "vepa", "passthrough", "hostdev")
"""Forward modes of networks that the outside reaches by itself."""


@dataclass(frozen=True)
class Hypervisor:
    """A hypervisor as the inventory's file names it; see the options of the plugin."""

    uri: str
    name: str = ""
    ssh_config: str = ""
    proxy_command: str = ""
    jump: str = "auto"


def read_hypervisors(entries: t.Sequence[t.Any], defaults: t.Mapping[str, str]) -> list[Hypervisor]:
    """The entries of the option `hypervisors`: URIs or mappings. `defaults` fill what a mapping leaves out.

    Raises InvalidInput.
    """
    known = tuple(Hypervisor.__dataclass_fields__)
    if not entries:
        raise InvalidInput(f"The inventory names no hypervisor: give `hypervisors` a libvirt URI. {_HELP}")
    found: list[Hypervisor] = []
    for number, entry in enumerate(entries):
        fields = {"uri": entry} if isinstance(entry, str) else entry
        place = f"hypervisors[{number}]"
        if not isinstance(fields, t.Mapping):
            raise InvalidInput(f"{place} is neither a libvirt URI nor a mapping with one under `uri`.")
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise InvalidInput(f"{place} has no key {unknown[0]!a:.40}: use {', '.join(known)}.")
        values = {**defaults, **{key: str(value) for key, value in fields.items() if value is not None}}
        try:
            uri = parse(values.get("uri", "").strip()).text
        except InvalidUri as error:
            raise InvalidInput(f"{place} names no libvirt URI that can be opened. {error} {_HELP}") from None
        if values.get("jump", "auto") not in JUMPS:
            raise InvalidInput(f"{place}.jump is one of {', '.join(JUMPS)}.")
        found.append(Hypervisor(**{**values, "uri": uri}))
    names = [each.uri for each in found]
    for uri in names:
        if names.count(uri) > 1:
            raise InvalidInput(f"The hypervisor {uri} is named twice.")
    return found


def uri_host(uri: str) -> str:
    """The host in a URI, "" for this machine's own libvirt."""
    return parse(uri).host


def variables(machine: Machine, address: str, hypervisor: Hypervisor) -> dict[str, str]:
    """The connection variables of Ansible for this machine.

    Two hypervisors may hold machines of the same address, and an address may come to be another machine's:
    host keys and shared connections go by the machine's UUID, except where SSH's own configuration rules.
    """
    given = {"ansible_host": address or NO_ADDRESS, "ansible_control_path": _control_path(machine.uuid)}
    alias = ("-o", f"HostKeyAlias=limen-{machine.uuid}")
    if hypervisor.proxy_command:
        arguments = ("-o", f"ProxyCommand={hypervisor.proxy_command}", *alias)
    elif hypervisor.ssh_config:
        arguments = ("-F", hypervisor.ssh_config)
    elif _jumps(machine, address, hypervisor):
        arguments = ("-o", f"ProxyCommand={jump_command(hypervisor.uri)}", *alias)
    else:
        return given
    return {**given, "ansible_ssh_common_args": shlex.join(arguments)}


def jump_command(uri: str) -> str:
    """The command that connects to %h:%p from the hypervisor of a qemu+ssh URI, as that URI says to log in.

    ProxyJump would not take the URI's key.
    """
    there = parse(uri)
    command = ["ssh", "-W", "[%h]:%p", "-o", "BatchMode=yes"]
    if there.port:
        command += ["-p", str(there.port)]
    if there.user:
        command += ["-l", there.user]
    if there.get("keyfile"):
        command += ["-i", there.get("keyfile")]
    if there.get("knownhosts"):
        command += ["-o", f"UserKnownHostsFile={there.get('knownhosts')}"]
    if there.get("no_verify", "0") != "0":
        command += ["-o", "StrictHostKeyChecking=no"]
    return shlex.join([*command, there.host])


def _jumps(machine: Machine, address: str, hypervisor: Hypervisor) -> bool:
    """Whether the way leads through the hypervisor: its networks are private unless they say otherwise."""
    if parse(hypervisor.uri).transport != "ssh" or hypervisor.jump == "never":
        return False
    card = machine.card_of(address)
    open_to_all = card is not None and (card.mode in _OPEN or (not card.network and bool(card.bridge)))
    return hypervisor.jump == "always" or not open_to_all


def _control_path(uuid: str) -> str:
    # Short: the path of a socket has 108 bytes. %r and %p are SSH's; Ansible fills in the folder.
    return f"%(directory)s/{uuid.replace('-', '')[:16]}-%%r-%%p"
