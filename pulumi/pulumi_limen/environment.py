"""Where the stack is built: what the environment, Pulumi's configuration and the host say."""

import os

import pulumi

from pulumi_limen.components.context import Capabilities
from pulumi_limen.spec.problems import Problems

DOMAIN_TYPES = ("auto", "kvm", "qemu")


def libvirt_uri(problems: Problems) -> str:
    """The URI that the default libvirt provider uses: `libvirt:uri`, else LIBVIRT_DEFAULT_URI."""
    uri = pulumi.Config("libvirt").get("uri") or os.environ.get("LIBVIRT_DEFAULT_URI")
    if not uri:
        problems.add(
            "libvirt:uri",
            "is not set: `pulumi config set libvirt:uri qemu+ssh://root@HOST/system`, or export "
            "LIBVIRT_DEFAULT_URI (`. .limen/env` after `make up`)",
        )
    return uri or ""


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
