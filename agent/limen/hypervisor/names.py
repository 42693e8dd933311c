"""Who made what stands on a host under some name."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import libvirt

from limen.hypervisor import domain_xml, xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.model import Hint

Named = tuple[Literal["vm", "network"], str]
_MISSING = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_NO_NETWORK)


def makers(conn: Connection, names: Iterable[Named]) -> dict[Named, Hint]:
    """Limen's metadata of what has one of these names; what is not there, or has none, is left out.

    Raises `HypervisorUnavailable`.
    """
    wanted = list(names)

    def work(handle: Any) -> dict[Named, Hint]:
        lookups = {"vm": handle.lookupByName, "network": handle.networkLookupByName}
        found = {}
        for kind, name in wanted:
            hint = _hint(lookups[kind], name)
            if hint is not None:
                found[kind, name] = hint
        return found

    return conn.run(work)


def _hint(lookup: Callable[[str], Any], name: str) -> Hint | None:
    try:
        return domain_xml.hint_of(xmltools.parse(lookup(name).XMLDesc(0)))
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _MISSING:
            raise
        return None
