"""Networks: find.

Port forwards are not made here. Libvirt's network XML has no destination NAT (`<nat><port>` limits source
ports), and its connection reaches no firewall of the host.
"""

from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import NotFound
from limen.hypervisor.model import NetworkSeen
from limen.hypervisor.observe import parse_network


def find_network(conn: Connection, uuid: str) -> NetworkSeen | None:
    """The network; None when the host does not have it."""
    try:
        return conn.run(lambda handle: parse_network(handle.networkLookupByUUIDString(uuid)))
    except NotFound:
        return None
