"""States of domains by libvirt's numbers."""

import libvirt

from limen.hypervisor.model import DomainState

_STATES: dict[int, DomainState] = {
    libvirt.VIR_DOMAIN_NOSTATE: "nostate",
    libvirt.VIR_DOMAIN_RUNNING: "running",
    libvirt.VIR_DOMAIN_BLOCKED: "blocked",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_SHUTDOWN: "shutdown",
    libvirt.VIR_DOMAIN_SHUTOFF: "shutoff",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_PMSUSPENDED: "suspended",
}


def state_name(number: int) -> DomainState:
    """The state of libvirt's `number`; `nostate` for one that libvirt has learned since."""
    return _STATES.get(number, "nostate")
