# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Inventory of the machines on libvirt hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: libvirt
short_description: VMs of libvirt hosts, grouped by project, owner, Pulumi stack, role and more
version_added: 0.1.0
author:
  - Limen contributors (@limen)
description:
  - Reads the VMs of one or several libvirt hosts, with their addresses, over read-only connections.
  - What Limen wrote into a VM's metadata (project, owner, Pulumi stack, tags) becomes groups and variables.
    This metadata is a hint. Who has read-write access to the host's libvirt can change it.
  - Machines on private networks of a remote hypervisor are reached through that hypervisor by SSH, without
    any further configuration.
  - The file of the inventory ends with C(libvirt.yml), C(libvirt.yaml), C(limen.yml) or C(limen.yaml).
requirements:
  - libvirt-python in Ansible's Python on the controller (Debian's package python3-libvirt)
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: Says that this file is for this plugin.
    type: str
    required: true
    choices: [limen.platform.libvirt]
  hypervisors:
    description:
      - The libvirt hosts. Each is a URI, such as V(qemu+ssh://root@host1/system), or a mapping with the keys
        C(uri), C(name), C(ssh_config), C(proxy_command) and C(jump).
      - C(name) is what the hypervisor is called in groups and variables, by default the host in the URI, else
        what libvirt says. The other keys go before the options of the same name.
      - In the environment variable the URIs are separated by commas.
    type: list
    elements: raw
    default: []
    env:
      - name: LIMEN_LIBVIRT_URI
  address_sources:
    description:
      - Where addresses are known from, the best source first. V(lease) are the DHCP leases of libvirt's
        networks, V(agent) is the QEMU guest agent, V(arp) the hypervisor's ARP table.
      - V(agent) needs a read-write connection, which makes the controller root on the hypervisor.
    type: list
    elements: str
    choices: [lease, agent, arp]
    default: [lease, arp]
  prefer_networks:
    description:
      - Names of libvirt networks. A VM with several cards is reached over the first of these that it is on.
    type: list
    elements: str
    default: []
  ssh_config:
    description:
      - An OpenSSH configuration file that knows the way to the VMs, given to C(ssh -F).
      - The lab of Limen writes one, since its hypervisor is in a network namespace.
    type: str
    env:
      - name: LIMEN_SSH_CONFIG
  proxy_command:
    description:
      - A command that connects to a VM, given to SSH as C(ProxyCommand) with its C(%h) and C(%p), such as
        V(ip netns exec lab nc %h %p). It goes before O(ssh_config).
    type: str
  jump:
    description:
      - Whether SSH goes through the hypervisor of a C(qemu+ssh) URI, as that URI says to log in there.
      - V(auto) does so for VMs on networks that the outside does not reach by itself (NAT, isolated), and not
        for those on routed networks and bridges.
    type: str
    choices: [auto, always, never]
    default: auto
  states:
    description: Power states of the VMs that are taken in. V(any) takes them all.
    type: list
    elements: str
    choices: [running, paused, shutoff, crashed, suspended, blocked, shutdown, nostate, any]
    default: [running]
  projects:
    description: Only VMs of these Limen projects are taken in. Empty means of all.
    type: list
    elements: str
    default: []
  foreign:
    description: Whether VMs without Limen's metadata are taken in as well.
    type: bool
    default: false
  host_naming:
    description:
      - What a VM is called in the inventory, V(name) is libvirt's name, V(name_at_hypervisor) such as
        C(web-1@host1), V(uuid) its UUID.
      - Two VMs of one name on different hypervisors are an error and never one host.
      - A name that Ansible would take for something else, such as C(localhost), gives way to the UUID.
    type: str
    choices: [name, name_at_hypervisor, uuid]
    default: name
  group_by:
    description:
      - Which groups are made, named C(project_NAME), C(owner_NAME), C(stack_NAME), C(role_NAME),
        C(tag_NAME_VALUE), C(network_NAME), C(state_NAME) and C(hypervisor_NAME).
      - What a group's name can't have becomes an underscore.
      - The tag C(role) holds the names of roles, separated by commas, with a group for each.
      - All VMs are in the group C(limen).
    type: list
    elements: str
    choices: [project, owner, stack, role, tag, network, state, hypervisor]
    default: [project, owner, stack, role, tag, network, state, hypervisor]
  on_unreachable:
    description:
      - What to do when a hypervisor does not answer. V(error) fails the whole inventory, V(warn) goes on with
        the others and says so. What is incomplete is not cached.
    type: str
    choices: [error, warn]
    default: error
  timeout:
    description: Seconds that a hypervisor may take to answer. All are asked at the same time.
    type: int
    default: 30
notes:
  - The variables of a host are C(limen_project), C(limen_owner), C(limen_stack), C(limen_claim),
    C(limen_item), C(limen_tags), C(limen_roles), C(limen_name), C(limen_uuid), C(limen_state),
    C(limen_hypervisor), C(limen_vcpus), C(limen_memory) in bytes, C(limen_networks), C(limen_addresses) and
    C(libvirt_uri).
  - They come from libvirt and are never taken as templates.
  - A machine without an address has C(no-address.invalid) as its C(ansible_host), so that tasks say that it
    is unreachable and never reach another machine of that name.
"""

EXAMPLES = r"""
# limen.yml: the hypervisor that LIMEN_LIBVIRT_URI names
plugin: limen.platform.libvirt

---
# production.libvirt.yml: two hypervisors, and groups of one's own made of the role tag
plugin: limen.platform.libvirt
hypervisors:
  - qemu+ssh://limen@host1.example/system?keyfile=/etc/limen/ssh/host1
  - uri: qemu+ssh://limen@host2.example:2222/system
    name: host2
host_naming: name_at_hypervisor
projects: [shop]
on_unreachable: warn
strict: true
groups:
  database: "'database' in limen_roles"
keyed_groups:
  - key: limen_tags.tier | default('none')
    prefix: tier
compose:
  ansible_user: "'debian'"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/limen-inventory
cache_timeout: 300

---
# lab.limen.yml: a hypervisor in a network namespace
plugin: limen.platform.libvirt
hypervisors:
  - uri: qemu+unix:///system?socket=/run/lab/libvirt-sock
    name: lab
    proxy_command: ip netns exec lab nc %h %p
states: [any]
"""

import typing as t

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.limen.platform.plugins.module_utils import inventory_names
from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError
from ansible_collections.limen.platform.plugins.module_utils.inventory_libvirt import read_all
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import (
    Machine,
    from_plain,
    to_plain,
)
from ansible_collections.limen.platform.plugins.module_utils.inventory_ssh import (
    Hypervisor,
    read_hypervisors,
    uri_host,
    variables,
)

_FILES = tuple(f"{name}.{suffix}" for name in ("libvirt", "limen") for suffix in ("yml", "yaml"))


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The plugin: options in, hosts and groups out. Nothing is added before everything is known."""

    NAME = "limen.platform.libvirt"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(_FILES)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            hypervisors = self._hypervisors()
            machines = [each for each in self._machines(hypervisors, path, cache) if self._wanted(each)]
            names = inventory_names.host_names(machines, self.get_option("host_naming"))
        except LimenError as error:
            raise AnsibleParserError(str(error)) from error
        groups = [inventory_names.groups(each, self.get_option("group_by")) for each in machines]
        for group, meanings in inventory_names.merged(groups).items():
            self.display.warning(f"The group {group} stands for {' and '.join(meanings)}.")
        by_uri = {each.uri: each for each in hypervisors}
        self.inventory.add_group(inventory_names.ALL)
        for machine, name, found in zip(machines, names, groups, strict=True):
            self._add(machine, name, found, by_uri[machine.uri])

    def _hypervisors(self) -> list[Hypervisor]:
        given = {name: self.get_option(name) or "" for name in ("ssh_config", "proxy_command", "jump")}
        return read_hypervisors(self.get_option("hypervisors"), given)

    def _machines(self, hypervisors: list[Hypervisor], path: str, cache: bool) -> list[Machine]:
        """Of the cache if it may be used and knows these hypervisors, else of the hypervisors themselves."""
        key, keeps = self.get_cache_key(path), self.get_option("cache")
        asked = {
            "hypervisors": [[each.uri, each.name] for each in hypervisors],
            "address_sources": list(self.get_option("address_sources")),
        }
        if keeps and cache:
            kept = self._cache.get(key) or {}
            try:
                if kept.get("asked") == asked:
                    return [from_plain(each) for each in kept["machines"]]
            except (KeyError, TypeError):
                self.display.vv("The cache was written by another version: the hypervisors are asked anew.")
        machines, complete = self._ask(hypervisors)
        if keeps and complete:
            self._cache[key] = {"asked": asked, "machines": [to_plain(each) for each in machines]}
        return machines

    def _ask(self, hypervisors: list[Hypervisor]) -> tuple[list[Machine], bool]:
        """The machines of all, and whether every hypervisor answered."""
        asked = [(each.uri, each.name or uri_host(each.uri)) for each in hypervisors]
        answers = read_all(asked, self.get_option("address_sources"), self.get_option("timeout"))
        errors = [each for each in answers if isinstance(each, LimenError)]
        if errors and self.get_option("on_unreachable") == "error":
            raise LimenError(" ".join(str(each) for each in errors))
        for error in errors:
            self.display.warning(f"{error} Its machines are missing from the inventory.")
        machines = [machine for each in answers if isinstance(each, list) for machine in each]
        return machines, not errors

    def _wanted(self, machine: Machine) -> bool:
        states, projects = self.get_option("states"), self.get_option("projects")
        return (
            ("any" in states or machine.state in states)
            and (not projects or machine.hint.get("project") in projects)
            and (bool(machine.hint) or self.get_option("foreign"))
        )

    def _add(self, machine: Machine, name: str, groups: t.Mapping[str, str], hypervisor: Hypervisor) -> None:
        self.inventory.add_host(name)
        address = machine.address(self.get_option("prefer_networks"), self.get_option("address_sources"))
        if not address:
            sources = ", ".join(self.get_option("address_sources"))
            self.display.vv(f"{name} has no address that is known from {sources}.")
        # Whoever can name a VM or tag it must not have templates run on the controller.
        facts = wrap_var({**host_facts(machine), **variables(machine, address, hypervisor)})
        for variable, value in facts.items():
            self.inventory.set_variable(name, variable, value)
        for group in groups:
            self.inventory.add_group(group)
            self.inventory.add_child(group, name)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), facts, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), facts, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), facts, name, strict=strict)


def host_facts(machine: Machine) -> dict[str, t.Any]:
    """The variables that say what a machine is."""
    return {
        **{f"limen_{name}": machine.hint.get(name, "") for name in ("project", "owner", "stack", "claim")},
        "limen_item": machine.hint.get("key", ""),
        "limen_tags": dict(machine.tags),
        "limen_roles": machine.roles,
        "limen_name": machine.name,
        "limen_uuid": machine.uuid,
        "limen_state": machine.state,
        "limen_hypervisor": machine.hypervisor,
        "limen_vcpus": machine.vcpus,
        "limen_memory": machine.memory,
        "limen_networks": [card.network or card.bridge for card in machine.cards],
        "limen_addresses": [
            {"address": each.address, "source": each.source, "mac": card.mac, "network": card.network}
            for card in machine.cards
            for each in card.addresses
        ],
        "libvirt_uri": machine.uri,
    }
