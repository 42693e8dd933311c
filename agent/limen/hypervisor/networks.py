"""Networks: find."""

from limen.hypervisor.connection import Connection
from limen.hypervisor.model import NetworkSeen


def find_network(conn: Connection, uuid: str) -> NetworkSeen | None:
    raise NotImplementedError
