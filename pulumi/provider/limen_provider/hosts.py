"""Libvirt connections of this process, one a URI, and the check that a URI reaches the host that is meant."""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from limen.hypervisor.connection import Connection, connect, host_uuid, require_host
from limen_provider.errors import ProviderError


class Hosts:
    """Opens each URI once and keeps it; safe to share between threads."""

    def __init__(self, open_uri: Callable[[str], Connection] = connect) -> None:
        self._open = open_uri
        self._lock = threading.Lock()
        self._connections: dict[str, tuple[threading.Lock, Connection | None]] = {}

    def connection(self, uri: str) -> Connection:
        """An open connection to `uri`; raises `HypervisorUnavailable`."""
        with self._lock:
            own_lock, _ = self._connections.setdefault(uri, (threading.Lock(), None))
        # Connecting takes seconds on some hosts: only those who want the same URI wait for it.
        with own_lock:
            _, connection = self._connections[uri]
            if connection is None or not connection.alive():
                connection = self._open(uri)
                self._connections[uri] = (own_lock, connection)
            return connection

    def uuid(self, uri: str) -> str:
        """The UUID of the host that `uri` reaches, in lower case."""
        return host_uuid(self.connection(uri))

    def require(self, uri: str, expected: str) -> None:
        """Raise `HostMismatch` unless `uri` reaches the host whose UUID is `expected`."""
        require_host(self.connection(uri), expected)


def required_uri() -> str:
    """LIMEN_LIBVIRT_URI, for the import of what only its host knows; raises `ProviderError` without it."""
    uri = os.environ.get("LIMEN_LIBVIRT_URI")
    if not uri:
        raise ProviderError("Set LIMEN_LIBVIRT_URI: an import needs to know which host to look at.")
    return uri


def libvirt_uri(host: Mapping[str, Any]) -> str | None:
    """How an import reaches a host: the API tells administrators only, others have LIMEN_LIBVIRT_URI."""
    return host.get("uri") or os.environ.get("LIMEN_LIBVIRT_URI")
