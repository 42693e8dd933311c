#!/usr/bin/python
# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""VMs of a libvirt host, admitted by the quota check."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm
short_description: Manage VMs of a libvirt host, behind the quota check
version_added: 0.1.0
description:
  - Defines, starts, pauses, stops, resizes and removes VMs.
  - Nothing is defined, grown or started before limen-api has admitted it, and what was removed is given back
    once libvirt shows it gone.
  - One VM is declared by the options, or many by O(vms). A list is read from libvirt and from the API in
    bulk, and admitted all or nothing.
  - Sizes change in place - live where the guest's ceilings allow it, else at its next start, or with a
    restart if O(allow_restart) is set. Disks grow in place and never shrink. Nothing is replaced.
  - A run that was cut off is completed by the next one.
author:
  - Limen contributors (@limen)
requirements:
  - libvirt-python (Debian's python3-libvirt) where the module runs
  - genisoimage where the module runs, for O(user_data) and O(ssh_keys)
extends_documentation_fragment:
  - limen.platform.api
  - limen.platform.api.attributes
  - limen.platform.api.actiongroup
attributes:
  check_mode:
    support: full
    details: Asks the quota check as well, so what would be refused is refused in check mode too.
  diff_mode:
    support: full
notes:
  - Where O(vms) is given, every option of the task except O(name) is a default for its entries.
  - O(disks[].image), O(user_data), O(ssh_keys), O(machine), O(firmware), O(domain_type), O(cpu_mode)
    and O(xml) say how a VM is made. What is there already is not compared with them.
  - A VM that a Pulumi stack holds can be started, paused and stopped. It is changed and removed by its stack.
options:
  uri:
    description:
      - Libvirt's URI, as seen from where the module runs.
      - If it is not given, the environment variable E(LIMEN_LIBVIRT_URI) is used.
    type: str
    default: qemu:///system
  name:
    description: Name of the VM. Its disks' volumes are named after it.
    type: str
  vms:
    description: The VMs, instead of O(name).
    type: list
    elements: dict
    suboptions: &vm
      name:
        description: Name of the VM.
        type: str
        required: true
      state: &state
        description:
          - V(defined) makes the VM and brings it to what is declared, and leaves alone whether it runs.
          - V(running) and V(paused) start it too if need be, V(stopped) shuts it down.
          - V(absent) shuts it down and removes it. Its disks stay, and stay charged, unless O(remove_disks)
            is set.
          - If it is not given, V(running) is meant.
        type: str
        choices: [defined, running, paused, stopped, absent]
      project: &project
        description:
          - The project that is charged.
          - A VM that another project holds is transferred, which counts as an increase there.
        type: str
      vcpus: &vcpus
        description: Number of virtual processors. Required for a new VM.
        type: int
      memory: &memory
        description: Memory, such as V(512MiB). Required for a new VM.
        type: str
      max_vcpus: &max_vcpus
        description:
          - To how many virtual processors the guest can grow while it runs.
          - A running guest gets another ceiling at its next start.
        type: int
      max_memory: &max_memory
        description:
          - To how much memory the guest can grow while it runs.
          - QEMU starts a guest with all of it, which is charged until the guest gives memory back.
        type: str
      disks: &disks
        description:
          - The disks, the one to boot from first.
          - A disk that is added later is plugged in. One that is no longer declared stays, with its data.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the disk; its volume is C(VM-DISK).
            type: str
            required: true
          size:
            description: Size, such as V(10GiB). It can grow and never shrinks.
            type: str
            required: true
          pool:
            description: Libvirt's pool that takes in the volume.
            type: str
            default: default
          image:
            description:
              - The volume that the disk is a layer over, C(POOL/VOLUME), or C(VOLUME) of the same pool.
            type: str
          bus:
            description: The bus of the guest.
            type: str
            choices: [ide, sata, scsi, usb, virtio]
            default: virtio
          format:
            description: Format of the volume.
            type: str
            choices: [qcow2, raw]
            default: qcow2
      networks: &networks
        description:
          - The network cards. A card that is added later is plugged in, one on another network is moved.
          - A card that is no longer declared is plugged out, unless its address was declared by
            O(networks[].mac).
          - If it is not given, the cards stay as they are.
        type: list
        elements: dict
        suboptions:
          network:
            description: Libvirt's network that the card is on.
            type: str
          bridge:
            description: The host's bridge that the card is on.
            type: str
          mac:
            description: Address of the card. If it is not given, one is derived from the VM's identity.
            type: str
          model:
            description: Model of the card.
            type: str
            default: virtio
      autostart: &autostart
        description: Whether the VM starts with its host.
        type: bool
      tags: &tags
        description: Names and values for the inventory. They replace all that are there.
        type: dict
      user_data: &user_data
        description: Cloud-init's user data, for the guest's first boot.
        type: str
      ssh_keys: &ssh_keys
        description: Public keys that cloud-init gives to the image's user, instead of O(user_data).
        type: list
        elements: str
      machine: &machine
        description: QEMU's machine type. If it is not given, V(q35) where the host has it.
        type: str
      firmware: &firmware
        description: The firmware. If it is not given, V(bios).
        type: str
        choices: [bios, uefi]
      domain_type: &domain_type
        description:
          - How the guest is run. V(auto), which is meant if it is not given, is KVM where the host offers it.
          - If it is not given, the environment variable E(LIMEN_DOMAIN_TYPE) is used.
        type: str
        choices: [auto, kvm, qemu]
      cpu_mode: &cpu_mode
        description:
          - What processor the guest sees. If it is not given, V(host-passthrough) with KVM, else V(maximum).
        type: str
        choices: [host-passthrough, host-model, maximum]
      xml: &xml
        description:
          - Libvirt's XML of a domain to begin with, for what there are no options for.
          - Name, UUID, sizes and metadata are written into it, and disks and cards are added to those it has.
          - Disks that it brings are the operator's affair. They are not made, and not charged to the claim.
        type: str
      allow_restart: &allow_restart
        description: Whether a guest may be restarted to get sizes that it can't get while it runs.
        type: bool
      force: &force
        description:
          - Whether a guest that does not shut down in time is powered off, which loses what it has not
            written.
        type: bool
      shutdown_seconds: &shutdown_seconds
        description: Seconds that a guest is given to shut down. If it is not given, V(120).
        type: int
      remove_disks: &remove_disks
        description: Whether O(state=absent) deletes the disks with all their data.
        type: bool
  state: *state
  project: *project
  vcpus: *vcpus
  memory: *memory
  max_vcpus: *max_vcpus
  max_memory: *max_memory
  disks: *disks
  networks: *networks
  autostart: *autostart
  tags: *tags
  user_data: *user_data
  ssh_keys: *ssh_keys
  machine: *machine
  firmware: *firmware
  domain_type: *domain_type
  cpu_mode: *cpu_mode
  xml: *xml
  allow_restart: *allow_restart
  force: *force
  shutdown_seconds: *shutdown_seconds
  remove_disks: *remove_disks
seealso:
  - module: limen.platform.vm_snapshot
  - module: limen.platform.quota_check
  - module: limen.platform.pulumi_stack
"""

EXAMPLES = r"""
- name: One VM
  limen.platform.vm:
    name: web
    project: demo
    vcpus: 2
    memory: 2GiB
    disks:
      - {name: root, size: 10GiB, image: debian-12.qcow2}
      - {name: data, size: 50GiB}
    networks:
      - {network: lan}
    ssh_keys: ["ssh-ed25519 AAAA... alice"]
    tags: {role: reverse_proxy}

- name: More memory, at once if its ceiling allows it, else with a restart
  limen.platform.vm:
    name: web
    project: demo
    memory: 4GiB
    allow_restart: true

- name: Three alike
  limen.platform.vm:
    project: demo
    vcpus: 1
    memory: 1GiB
    networks:
      - {network: lan}
    vms:
      - {name: worker-1, disks: [{name: root, size: 5GiB, image: debian-12.qcow2}]}
      - {name: worker-2, disks: [{name: root, size: 5GiB, image: debian-12.qcow2}]}
      - {name: worker-3, disks: [{name: root, size: 5GiB, image: debian-12.qcow2}], state: stopped}

- name: No such VM any more, nor its data
  limen.platform.vm:
    name: web
    project: demo
    state: absent
    force: true
    remove_disks: true
"""

RETURN = r"""
vm:
  description: The VM as it is now, in check mode as it would be.
  returned: if O(vms) is not given
  type: dict
  contains: &vm_contains
    name:
      description: Its name.
      type: str
      returned: always
    state:
      description: V(running), V(paused), V(stopped), V(suspended) or V(absent).
      type: str
      returned: always
    project:
      description: The project that is charged.
      type: str
      returned: always
    changes:
      description: What was done, in check mode what would be, each with the way it is done.
      type: list
      elements: str
      returned: always
    uuid:
      description: Its UUID.
      type: str
      returned: if it exists
    claim:
      description: The claim that holds it. Null for a domain that nobody claimed.
      type: str
      returned: if it exists
    vcpus:
      description: Virtual processors that its definition has.
      type: int
      returned: if it exists
    memory:
      description: Memory that its definition has.
      type: str
      returned: if it exists
    max_vcpus:
      description: To how many virtual processors it can grow.
      type: int
      returned: if that is more than it has
    max_memory:
      description: To how much memory it can grow.
      type: str
      returned: if that is more than it has
    autostart:
      description: Whether it starts with its host.
      type: bool
      returned: if it exists
    disks:
      description: Sizes of its disks by their volumes' names.
      type: dict
      returned: if it exists
    networks:
      description: Where its cards are, by their addresses.
      type: dict
      returned: if it exists
    tags:
      description: Its tags.
      type: dict
      returned: if it exists
  sample:
    autostart: false
    changes: ["1 vcpus, 1GiB of memory -> 2 vcpus, 1GiB of memory, live"]
    claim: 5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001
    disks: {web-root: 10GiB}
    memory: 1GiB
    name: web
    networks: {"52:54:00:12:34:56": network lan}
    project: demo
    state: running
    tags: {role: reverse_proxy}
    uuid: 0b9d35f5-9a11-5a0e-8a0b-1d9f7c1f4a01
    vcpus: 2
vms:
  description: The VMs in the order of O(vms).
  returned: if O(vms) is given
  type: list
  elements: dict
  contains: *vm_contains
decision:
  description: The quota check's decision.
  returned: if it refused
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.limen.platform.plugins.module_utils import vm_ensure, vm_options
from ansible_collections.limen.platform.plugins.module_utils.arguments import api_arguments
from ansible_collections.limen.platform.plugins.module_utils.libvirt_host import require_libvirt, uri_argument
from ansible_collections.limen.platform.plugins.module_utils.running import run


def main() -> None:
    common = vm_options.arguments()
    domain_type = {**common["domain_type"], "fallback": (env_fallback, ["LIMEN_DOMAIN_TYPE"])}
    entry = {"name": {"type": "str", "required": True}, **common}
    module = AnsibleModule(
        argument_spec=api_arguments(
            uri=uri_argument(),
            name={"type": "str"},
            vms={"type": "list", "elements": "dict", "options": entry},
            **{**common, "domain_type": domain_type},
        ),
        mutually_exclusive=[("name", "vms")],
        required_one_of=[("name", "vms")],
        supports_check_mode=True,
    )
    require_libvirt(module)
    run(module, vm_ensure.ensure)


if __name__ == "__main__":
    main()
