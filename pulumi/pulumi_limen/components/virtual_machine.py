"""`limen:index:VirtualMachine`: a domain with its root disk, cloud-init medium, disks and network cards."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_libvirt as libvirt

from pulumi_limen import cloud_init
from pulumi_limen.components import domain
from pulumi_limen.components.context import Context, admit, options
from pulumi_limen.components.disk import Disk
from pulumi_limen.components.network import Network
from pulumi_limen.naming import libvirt_name, mac_address, seed_name
from pulumi_limen.resources import Admission, Image, InPlace
from pulumi_limen.spec.values import NetworkSpec, VmSpec


@dataclass(frozen=True)
class Surroundings:
    """What a VM refers to, by name; all of it is registered."""

    networks: Mapping[str, tuple[NetworkSpec, Network]]
    pools: Mapping[str, pulumi.Output[str]]
    images: Mapping[str, tuple[Image, str]]
    disks: Mapping[str, Disk]


class VirtualMachine(pulumi.ComponentResource):
    """A VM. Size, disks, cards and their networks change in place; only another name, firmware, console
    or host type replaces the domain, and then its disks stay.

    `uuid` is the domain's, `address` its first IPv4 address ("" without one).
    """

    uuid: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(
        self, spec: VmSpec, context: Context, around: Surroundings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("limen:index:VirtualMachine", spec.key, None, opts)
        self._spec, self._context, self._around, self._opts = spec, context, around, opts
        amounts = {"vms": 1, "vcpus": spec.vcpus, "memory": spec.memory}
        root_pool, image = around.pools[spec.root.pool], around.images[spec.root.image or ""]
        admission = admit(context, f"vm:{spec.key}", amounts, options(self, opts), image[1])
        root = Disk(spec.root.name, spec.root, context, root_pool, image, options(self, opts))
        self._macs = tuple(
            nic.mac or mac_address(context.program, context.stack, spec.key, index)
            for index, nic in enumerate(spec.nics)
        )
        seed = self._seed(admission, root) if spec.cloud_init else None
        self.domain = self._domain(admission, root, seed)
        self.uuid = self.domain.id
        devices = [*self._attach_disks(), *self._attach_cards()]
        self._metadata()
        self._size(admission, devices)
        self.address = self._address()
        self.register_outputs({"uuid": self.uuid, "address": self.address})

    def _seed(self, admission: Admission, root: Disk) -> libvirt.CloudInitDisk:
        spec = self._spec
        user_data = cloud_init.user_data(spec)
        network = cloud_init.network_config(self._macs)
        own = user_data if spec.user_data is None else pulumi.Output.secret(user_data)
        return libvirt.CloudInitDisk(
            f"{spec.key}-seed",
            name=seed_name(
                libvirt_name(self._context.prefix, spec.key), f"{user_data}\n{network}\n{spec.hostname}"
            ),
            pool=root.pool_name,
            # What users put there may be secret; what Limen writes is not.
            user_data=own,
            meta_data=admission.output("uuid").apply(lambda uuid: cloud_init.meta_data(uuid, spec)),
            network_config=network,
            opts=options(self, self._opts),
        )

    def _domain(self, admission: Admission, root: Disk, seed: libvirt.CloudInitDisk | None) -> libvirt.Domain:
        spec = self._spec
        cards = [
            domain.card(spec, index, self._macs[index], *self._network(index))
            for index in range(len(spec.nics))
        ]
        agent = bool(spec.nics) and domain.needs_agent(spec, self._network(0)[0])
        return libvirt.Domain(
            spec.key,
            **domain.inputs(spec, self._context, admission, root.volume_id, agent),
            disks=[libvirt.DomainDiskArgs(volume_id=root.volume_id)],
            cloudinit=seed.id if seed else None,
            network_interfaces=cards,
            opts=options(
                self,
                self._opts,
                delete_before_replace=True,
                ignore_changes=list(domain.CHANGED_ELSEWHERE),
                replacement_trigger=domain.replacement_trigger(spec),
                replace_with=[root.volume],
                custom_timeouts=pulumi.CustomTimeouts(create="10m"),
            ),
        )

    def _attach_disks(self) -> list[pulumi.Resource]:
        found: list[pulumi.Resource] = []
        for use in self._spec.disks:
            disk = self._around.disks[use.disk]
            inputs = {
                "target": use.target,
                "pool": disk.volume.pool,
                "volume": disk.volume.name,
                "readonly": use.readonly,
            }
            # The logical name holds the target: another disk there is a change of one attachment.
            found.append(self._in_place("DiskAttachment", f"{self._spec.key}-{use.target}", inputs))
        return found

    def _attach_cards(self) -> list[pulumi.Resource]:
        found: list[pulumi.Resource] = []
        for index, nic in enumerate(self._spec.nics):
            _spec, name = self._network(index)
            inputs = {
                "mac": self._macs[index],
                "network": name,
                "address": str(nic.address) if nic.address else None,
                "hostname": self._spec.hostname if nic.address else None,
            }
            found.append(self._in_place("NetworkAttachment", f"{self._spec.key}-eth{index}", inputs))
        return found

    def _metadata(self) -> None:
        """The stylesheet wrote it when the domain was made; from then on it is changed here, in place."""
        key = f"vm:{self._spec.key}"
        inputs = {
            **self._context.hint("", key),
            "claim": self._context.claim.output("claimId"),
            "stack": self._context.owner,
            "tags": dict(self._spec.tags) or None,
        }
        self._in_place("DomainMetadata", self._spec.key, inputs)

    def _size(self, admission: Admission, devices: list[pulumi.Resource]) -> None:
        """Last of all, hence first to be deleted: deleting it shuts the guest down while its disks are in."""
        inputs = {
            "vcpus": admission.output("vcpus"),
            "memory": admission.output("memory"),
            "maxVcpus": self._spec.max_vcpus,
            "maxMemory": self._spec.max_memory,
            "shutdownSeconds": self._spec.shutdown_seconds,
        }
        self._in_place("DomainSize", self._spec.key, inputs, devices)

    def _in_place(
        self, kind: str, name: str, inputs: Mapping[str, object], after: list[pulumi.Resource] | None = None
    ) -> InPlace:
        return InPlace(
            kind,
            name,
            {"libvirtUri": self._context.libvirt_uri, "uuid": self.domain.id, **inputs},
            opts=options(
                self,
                self._opts,
                depends_on=[self.domain, *(after or [])],
                delete_before_replace=True,
                # A device goes with its domain: a guest that runs on meanwhile need not let go of it. What
                # shuts the guest down, or gives a fixed address back, has work to do all the same.
                deleted_with=self.domain
                if kind.endswith(("Attachment", "Metadata")) and not inputs.get("address")
                else None,
            ),
        )

    def _network(self, index: int) -> tuple[NetworkSpec, pulumi.Output[str]]:
        spec, network = self._around.networks[self._spec.nics[index].network]
        return spec, network.network_name

    def _address(self) -> pulumi.Output[str]:
        fixed = next((str(nic.address) for nic in self._spec.nics if nic.address), None)
        if fixed is not None:
            return self.uuid.apply(lambda _: fixed)
        address: pulumi.Output[str] = self.domain.network_interfaces.apply(domain.first_address)
        return address
