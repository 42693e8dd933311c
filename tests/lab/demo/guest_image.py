"""The guest image of the main job: LIMEN_IMAGE (path or URL, with its checksum), or the lab's own."""

import re
from collections.abc import Mapping
from pathlib import Path

from tests.lab import image
from tests.lab.demo.shell import StepFailed

NAMES = ("LIMEN_IMAGE", "LIMEN_IMAGE_SHA256", "LIMEN_IMAGE_KERNEL", "LIMEN_IMAGE_INITRD", "LIMEN_IMAGE_USER")


def variables(environment: Mapping[str, str], real_host: bool) -> dict[str, str]:
    """What the Pulumi program reads of the image. Raises StepFailed for what cannot be right."""
    if environment.get("LIMEN_IMAGE"):
        return given({name: environment[name] for name in NAMES if environment.get(name)})
    if real_host:
        # The lab's image boots with a kernel and an initrd that stand on this machine, not on that host.
        raise StepFailed(
            "name a cloud image for the VMs on your own host: LIMEN_IMAGE (a qcow2 file, by path or http(s) "
            "URL) and LIMEN_IMAGE_SHA256"
        )
    built = image.build()
    return {
        "LIMEN_IMAGE": built.disk,
        "LIMEN_IMAGE_SHA256": built.sha256,
        "LIMEN_IMAGE_KERNEL": built.kernel,
        "LIMEN_IMAGE_INITRD": built.initrd,
    }


def given(variables: Mapping[str, str]) -> dict[str, str]:
    """The image that somebody named, its path absolute: Pulumi runs in another folder."""
    source, sha256 = variables["LIMEN_IMAGE"], variables.get("LIMEN_IMAGE_SHA256", "")
    is_url = source.startswith(("http://", "https://"))
    if not is_url:
        path = Path(source).expanduser().resolve()
        if not path.is_file():
            raise StepFailed(f"LIMEN_IMAGE: there is no file {path}")
        source = str(path)
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        how = "the image's publisher names it" if is_url else f"`sha256sum {source}` prints it"
        raise StepFailed(f"LIMEN_IMAGE_SHA256 is to be the image's SHA-256, 64 hexadecimal digits: {how}")
    return {**variables, "LIMEN_IMAGE": source}
