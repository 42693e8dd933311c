"""Where the stack is built: what the environment, Pulumi's configuration and the host say."""

import json
import os
from pathlib import Path

import pulumi

from limen.host_uri import parse
from pulumi_limen.components.context import Capabilities
from pulumi_limen.spec.problems import Problems

# Set by `limen preview-sandbox`: a file with the `uri` of the host that this preview has no access to.
PREVIEW_ONLY = "LIMEN_PREVIEW_ONLY"
DOMAIN_TYPES = ("auto", "kvm", "qemu")


def libvirt_uri(problems: Problems) -> str:
    """The URI that the default libvirt provider uses: `libvirt:uri`, else LIBVIRT_DEFAULT_URI.

    Where a preview has no access to the host, that provider is at an empty one, and our resources are planned
    for the true one. Raises `pulumi.RunError` for anything but a preview there.
    """
    if preview_only := os.environ.get(PREVIEW_ONLY):
        if not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(
                "This is a sandbox for previews, without access to the host: nothing can be built in it. Run "
                "pulumi outside of `limen preview-sandbox`."
            )
        return str(json.loads(Path(preview_only).read_text(encoding="utf-8"))["uri"])
    uri = pulumi.Config("libvirt").get("uri") or os.environ.get("LIBVIRT_DEFAULT_URI")
    if not uri:
        problems.add(
            "libvirt:uri",
            "is not set: `pulumi config set libvirt:uri qemu+ssh://root@HOST/system`, or export "
            "LIBVIRT_DEFAULT_URI (`. .limen/env` after `make up`)",
        )
        return ""
    problems.attempt("libvirt:uri", lambda: parse(uri))
    return uri


def domain_type(problems: Problems) -> str:
    """The type of domains that do not name one: LIMEN_DOMAIN_TYPE, else what the host offers (`auto`)."""
    chosen = os.environ.get("LIMEN_DOMAIN_TYPE") or "auto"
    if chosen not in DOMAIN_TYPES:
        problems.add("LIMEN_DOMAIN_TYPE", f"{chosen!a:.60} is none of {', '.join(DOMAIN_TYPES)}")
    return chosen


def ask_host(uri: str, chosen_type: str) -> tuple[str, Capabilities]:
    """The host's UUID and how domains are written for it, asked through the provider, in previews too.

    Raises `pulumi.RunError`, which Pulumi prints without a traceback, when the host does not answer.
    """
    try:
        found = pulumi.runtime.invoke(
            "limen:index:getHostCapabilities", {"libvirtUri": uri, "domainType": chosen_type}
        ).value
    except Exception as error:  # Pulumi raises nothing more special
        # What stands before is Pulumi's: which function of which plugin was called.
        said = str(error)
        raise pulumi.RunError(said.partition(" returned an error: ")[2] or said) from error
    return str(found["hostUuid"]), Capabilities(
        domain_type=str(found["domainType"]), cpu_mode=str(found["cpuMode"]), machine=str(found["machine"])
    )
