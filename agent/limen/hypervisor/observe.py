"""One scan of a host."""

from limen.hypervisor.connection import Connection
from limen.hypervisor.model import HostObservation

SCAN_SECONDS = 60.0


def scan(conn: Connection, seconds: float = SCAN_SECONDS) -> HostObservation:
    """Everything the host holds now. The caller notes the time before the call: that is when the scan begun."""
    raise NotImplementedError
