"""`limen:index:Network`: a libvirt network, charged as one of `networks`."""

from typing import Any

import pulumi
import pulumi_libvirt as libvirt

from pulumi_limen.components.context import Context, admit, options
from pulumi_limen.naming import libvirt_name
from pulumi_limen.resources import InPlace
from pulumi_limen.spec.values import NetworkSpec
from pulumi_limen.xslt import network_xslt

_MODES = {"nat": "nat", "routed": "route", "isolated": "none", "bridge": "bridge"}


class Network(pulumi.ComponentResource):
    """A network of the host, or one that is there already, which is used as it is.

    `network_name` is libvirt's name for it.
    """

    network_name: pulumi.Output[str]

    def __init__(
        self, name: str, spec: NetworkSpec, context: Context, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("limen:index:Network", name, None, opts)
        if spec.libvirt_name is not None:
            self.network_name = pulumi.Output.from_input(spec.libvirt_name)
        else:
            self.network_name = self._make(spec, context, opts)
        self.register_outputs({"networkName": self.network_name})

    def _make(
        self, spec: NetworkSpec, context: Context, opts: pulumi.ResourceOptions | None
    ) -> pulumi.Output[str]:
        key = f"network:{spec.key}"
        admission = admit(context, key, {"networks": 1}, options(self, opts))
        sheet = pulumi.Output.all(admission.output("uuid"), context.claim.output("claimId")).apply(
            lambda found: network_xslt(uuid=found[0], hint=context.hint(found[1], key), vlan=spec.vlan)
        )
        network = libvirt.Network(
            spec.key,
            name=libvirt_name(context.prefix, spec.name),
            mode=_MODES[spec.mode],
            bridge=spec.bridge,
            autostart=spec.autostart,
            xml=libvirt.NetworkXmlArgs(xslt=sheet),
            **_addressing(spec),
            opts=options(
                self,
                opts,
                depends_on=[admission],
                delete_before_replace=True,
                # The hint names the project: a stack that moves to another one keeps its networks.
                ignore_changes=["xml"],
                replacement_trigger=f"vlan {spec.vlan}",
            ),
        )
        for forward in spec.port_forwards:
            InPlace(
                "PortForward",
                # Not by network: a port that moves to another one is closed there before it opens here.
                f"forward-{forward.protocol}-{forward.host_port}",
                {
                    "libvirtUri": context.libvirt_uri,
                    "network": network.name,
                    "protocol": forward.protocol,
                    "hostPort": forward.host_port,
                    "address": str(forward.address),
                    "port": forward.port,
                },
                # Made anew with its network, in which they are kept.
                opts=options(self, opts, depends_on=[network], replace_with=[network]),
            )
        name: pulumi.Output[str] = network.name
        return name


def _addressing(spec: NetworkSpec) -> dict[str, Any]:
    """Inputs that a network of mode `bridge` does not have."""
    if spec.cidr is None:
        return {}
    hosts = [
        libvirt.NetworkDnsHostArgs(hostname=name, ip=str(address))
        for name, address in sorted(spec.hosts.items())
    ]
    return {
        "addresses": [str(spec.cidr)],
        "domain": spec.domain,
        "dhcp": libvirt.NetworkDhcpArgs(enabled=spec.dhcp),
        "dns": libvirt.NetworkDnsArgs(
            enabled=spec.dns, local_only=spec.domain is not None, hosts=hosts or None
        ),
    }
