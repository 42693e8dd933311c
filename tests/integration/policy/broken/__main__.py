"""Breaks every policy of the pack, by hand-written resources beside a VM that is as it should be."""

import os

import pulumi
import pulumi_libvirt as libvirt

from pulumi_limen import Admission, Image, QuotaClaim

config = pulumi.Config()
uri, project, host = os.environ["LIBVIRT_DEFAULT_URI"], config.require("project"), config.require("host")
vm = {"vms": "1", "vcpus": "1", "memory": "64MiB"}
items = {
    "vm:web": {"kind": "vm", "name": "web", "amounts": vm},
    "vm:vague": {"kind": "vm", "name": "vague", "amounts": vm},
    "disk:web": {"kind": "disk", "name": "web", "volume": "default/web", "amounts": {"disk": "8MiB"}},
    "network:lan": {"kind": "network", "name": "lan", "amounts": {"networks": "1"}},
}
claim = QuotaClaim("quota", {"project": project, "host": host, "libvirtUri": uri, "items": items})
image = Image(
    "idle",
    {
        "libvirtUri": uri,
        "pool": "default",
        "source": config.require("image"),
        "sha256": config.require("sha256"),
    },
)


def admitted(key: str, **changes: object) -> Admission:
    inputs = {
        "claimId": claim.output("claimId"),
        "hostUuid": claim.output("hostUuid"),
        "project": project,
        "owner": "the tests",
        "key": key,
        "kind": key.partition(":")[0],
        "libvirtUri": uri,
        "amounts": items[key]["amounts"],
    }
    return Admission(key, {**inputs, **changes})


def uuid_of(admission: Admission) -> libvirt.DomainXmlArgs:
    sheet = admission.output("uuid").apply(lambda uuid: f"<uuid>{uuid}</uuid>")
    return libvirt.DomainXmlArgs(xslt=sheet)


web, disk, lan = admitted("vm:web"), admitted("disk:web"), admitted("network:lan")
# Known only when the image is there.
vague = admitted("vm:vague", owner=image.output("volumeId"))

# As it should be but for the disk's checksum and its protection.
root = libvirt.Volume("web", name="web", size=disk.output("disk"), base_volume_id=image.output("volumeId"))
libvirt.Domain(
    "web",
    name="web",
    vcpu=web.output("vcpus"),
    memory=web.output("memory").apply(lambda memory: int(memory) // 1024**2),
    xml=uuid_of(web),
    disks=[libvirt.DomainDiskArgs(volume_id=root.id)],
)

libvirt.Domain("bare", name="bare", vcpu=1, memory=64)
libvirt.Domain("borrowed", name="borrowed", vcpu=web.output("vcpus"), memory=512, xml=uuid_of(web))
libvirt.Domain("vague", name="vague", vcpu=vague.output("vcpus"), memory=64, xml=uuid_of(vague))
libvirt.Network(
    "lan",
    name="other-lan",
    mode="none",
    addresses=["10.58.0.0/24"],
    xml=libvirt.NetworkXmlArgs(xslt=lan.output("uuid")),
)
libvirt.Volume("stray", name="stray", size=1024**2)
libvirt.Volume("web-page", name="web-page", source="http://127.0.0.1:9/image.qcow2")
libvirt.CloudInitDisk(
    "clear",
    name="clear.iso",
    user_data="#cloud-config\nusers:\n  - name: eve\n    plain_text_passwd: hunter2\n",
    meta_data=web.output("uuid"),
)
libvirt.CloudInitDisk(
    "secret",
    name="secret.iso",
    user_data=pulumi.Output.secret("#cloud-config\npassword: hunter2\n"),
    meta_data=web.output("uuid"),
)
libvirt.CloudInitDisk(
    "later", name="later.iso", user_data=image.output("volumeId"), meta_data=web.output("uuid")
)
