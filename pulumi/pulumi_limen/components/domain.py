"""A VM's specification as inputs of pulumi-libvirt's Domain."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pulumi
import pulumi_libvirt as libvirt

from pulumi_limen.components.context import Context
from pulumi_limen.naming import libvirt_name
from pulumi_limen.resources import Admission
from pulumi_limen.spec.reader import MIB
from pulumi_limen.spec.values import NetworkSpec, VmSpec
from pulumi_limen.spec.vm import MAX_DEVICES
from pulumi_limen.xslt import domain_xslt

CHANGED_ELSEWHERE = (
    *("memory", "vcpu", "disks", "networkInterfaces"),  # by DomainSize, DiskAttachment, NetworkAttachment
    *("xml", "firmware", "nvram"),  # hint and tags by DomainMetadata; libvirt chooses the firmware's files
    *("kernel", "initrd", "cmdlines"),  # go with the root disk, which keeps the modules it was made with
)
"""Inputs whose change must not replace the domain. A domain that is replaced anyway takes the new ones."""


def inputs(
    spec: VmSpec, context: Context, admission: Admission, root_disk: pulumi.Output[str], agent: bool
) -> dict[str, Any]:
    """Inputs of `libvirt.Domain` but for its devices; `root_disk` is the root volume's key, and `agent` says
    that the guest agent tells addresses.
    """
    capabilities = context.capabilities
    machine = spec.machine or capabilities.machine
    return {
        "name": libvirt_name(context.prefix, spec.name),
        "description": f"{spec.name}, a VM of the Pulumi stack {context.owner}",
        "vcpu": admission.output("vcpus"),
        "memory": admission.output("memory").apply(lambda memory: int(memory) // MIB),
        "type": capabilities.domain_type if spec.domain_type == "auto" else spec.domain_type,
        "cpu": libvirt.DomainCpuArgs(mode=spec.cpu_mode or capabilities.cpu_mode),
        "machine": machine,
        "autostart": spec.autostart,
        "running": True,
        "qemu_agent": agent,
        "kernel": spec.kernel,
        "initrd": spec.initrd,
        "cmdlines": command_line(spec.cmdline or "") or None,
        "consoles": [libvirt.DomainConsoleArgs(type="pty", target_port="0", target_type="serial")]
        if spec.serial
        else None,
        "graphics": libvirt.DomainGraphicsArgs(
            type="vnc", autoport=True, listen_type="address", listen_address="127.0.0.1"
        )
        if spec.vnc
        else None,
        "tpm": libvirt.DomainTpmArgs(backend_type="emulator", backend_version="2.0") if spec.tpm else None,
        "xml": libvirt.DomainXmlArgs(xslt=_stylesheet(spec, context, admission, root_disk, machine)),
    }


def replacement_trigger(spec: VmSpec) -> str:
    """What is in the stylesheet, whose changes are ignored, and still cannot be changed in place."""
    return f"firmware {spec.firmware}, vnc {spec.vnc}"


def card(
    spec: VmSpec, index: int, mac: str, network: NetworkSpec, name: pulumi.Output[str]
) -> libvirt.DomainNetworkInterfaceArgs:
    """A network card that is there when the guest boots. `pulumi up` waits for the first one's lease."""
    address = spec.nics[index].address
    leases = network.mode != "bridge" and (network.dhcp or network.mode == "existing")
    told = leases or needs_agent(spec, network)
    return libvirt.DomainNetworkInterfaceArgs(
        network_name=name,
        mac=mac.upper(),
        hostname=spec.hostname,
        addresses=[str(address)] if address else None,
        wait_for_lease=index == 0 and spec.wait_for_address and told,
    )


def needs_agent(spec: VmSpec, network: NetworkSpec) -> bool:
    """Whether addresses come from the guest: the DHCP leases of a bridge are kept elsewhere."""
    return spec.guest_agent and network.mode == "bridge"


def command_line(text: str) -> list[dict[str, str]]:
    """A kernel command line the way the plugin reads it back, so that a refresh shows no difference.

    The plugin sorts the arguments; those without a value share one entry, a repeated one begins a new.
    """
    entries: list[dict[str, str]] = []
    current: dict[str, str] = {}
    arguments = sorted(text.split())
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            continue
        if name in current:
            entries.append(current)
            current = {}
        current[name] = value
    entries += [current] if current else []
    flags = [argument for argument in arguments if "=" not in argument]
    return [*entries, {"_": " ".join(flags)}] if flags else entries


def first_address(cards: Sequence[Any] | None) -> str:
    """The first IPv4 address of the cards as the plugin read them, "" while there is none."""
    for each in cards or ():
        addresses = each.get("addresses") if isinstance(each, dict) else each.addresses
        for address in addresses or ():
            if ip_address(address).version == 4:
                return str(address)
    return ""


def _stylesheet(
    spec: VmSpec, context: Context, admission: Admission, root_disk: pulumi.Output[str], machine: str
) -> pulumi.Output[str]:
    key = f"vm:{spec.key}"
    q35 = "q35" in machine

    def text(found: Sequence[Any]) -> str:
        return domain_xslt(
            uuid=found[0],
            hint=context.hint(found[1], key),
            stack=context.owner,
            tags=spec.tags,
            max_vcpus=spec.max_vcpus if spec.max_vcpus > spec.vcpus else None,
            max_memory=spec.max_memory if spec.max_memory > spec.memory else None,
            hotplug_ports=MAX_DEVICES + 6 if q35 else 0,
            firmware=spec.firmware,
            headless=not spec.vnc,
            root_disk=found[2],
        )

    told = (admission.output("uuid"), context.claim.output("claimId"), _or_nothing(root_disk))
    return pulumi.Output.all(*told).apply(text)


def _or_nothing(text: pulumi.Output[str]) -> pulumi.Output[str]:
    """ "" instead of what a preview can't know yet: policies judge the rest of the stylesheet."""

    async def settled() -> str:
        found: str | None = await text.future()
        return found or ""

    return pulumi.Output(text.resources(), settled(), is_known=_true(), is_secret=text.is_secret())


async def _true() -> bool:
    return True
