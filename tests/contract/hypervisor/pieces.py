"""Pieces of domain XML."""


def disk(path: str, target: str = "vda", format_: str = "qcow2", device: str = "disk") -> str:
    bus = "ide" if device == "cdrom" else "virtio"
    return (
        f"<disk type='file' device='{device}'><driver name='qemu' type='{format_}'/><source file='{path}'/>"
        f"<target dev='{target}' bus='{bus}'/></disk>"
    )
