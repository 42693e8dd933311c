"""A connection to libvirt that never hangs its caller and whose errors are ours."""

import contextlib
import re
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import libvirt

from limen.host_uri import InvalidUri, parse, shown
from limen.hypervisor import eventloop, xmltools
from limen.hypervisor.errors import HostMismatch, HypervisorError, HypervisorUnavailable, NotFound

OPEN_SECONDS = 10.0
CALL_SECONDS = 30.0
KEEPALIVE_SECONDS = 5
KEEPALIVE_MISSES = 3

T = TypeVar("T")

_NOT_FOUND = {
    libvirt.VIR_ERR_NO_DOMAIN: "domain",
    libvirt.VIR_ERR_NO_NETWORK: "network",
    libvirt.VIR_ERR_NO_STORAGE_POOL: "storage pool",
    libvirt.VIR_ERR_NO_STORAGE_VOL: "volume",
    libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT: "snapshot",
    libvirt.VIR_ERR_DEVICE_MISSING: "device",
}
# What ssh says, which libvirt passes on -> what to do.
_ADVICE = {
    "Host key verification failed": "Log in there once with ssh and accept the host's key, as the user who "
    "runs this.",
    "REMOTE HOST IDENTIFICATION HAS CHANGED": "Find out why; `ssh-keygen -R HOST` forgets the old key.",
    "Permission denied (": "Put your public key into ~/.ssh/authorized_keys there, or name another private "
    "key: `?keyfile=FILE` in the URI.",
    "Connection refused": "Does an SSH server run there, on that port?",
    "Could not resolve hostname": "Correct the name of the host in the URI.",
    "No route to host": "Is the host up?",
    "Connection timed out": "Is the host up?",
    "nc: ": "Does libvirtd run there? `?socket=PATH` in the URI names another socket.",
}
_worker = threading.local()


class Connection:
    """An open connection; a context manager. `run` is the one way to libvirt, so nothing blocks for ever."""

    def __init__(self, uri: str, handle: Any, readonly: bool) -> None:
        self.uri = uri
        self.readonly = readonly
        self._handle = handle
        self._host_uuid: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, work: Callable[[Any], T], seconds: float = CALL_SECONDS) -> T:
        """Call `work(virConnect)` in a worker thread and return its result.

        Inside `work`, nested calls of `run` go straight through, under the outer deadline. Raises
        `HypervisorUnavailable` when the host does not answer within `seconds` or the connection broke,
        `NotFound`, and `HypervisorError` for everything else that libvirt refuses.
        """

        def translated() -> T:
            try:
                return work(self._handle)
            except libvirt.libvirtError as error:
                raise translate(error, self.uri) from error

        return within(translated, seconds, self.uri)

    def alive(self) -> bool:
        """Whether the connection is still open as far as keepalives tell; asks nothing of the host."""
        try:
            return bool(self._handle.isAlive())
        except libvirt.libvirtError:
            return False

    def close(self) -> None:
        """Close; a host that hangs is left behind after a second."""
        handle = self._handle
        try:
            within(lambda: handle.close(), 1.0, self.uri)
        except (HypervisorUnavailable, libvirt.libvirtError):
            return


def connect(uri: str, readonly: bool = False, seconds: float = OPEN_SECONDS) -> Connection:
    """Open `uri`. Raises `HypervisorUnavailable`, at the latest after `seconds`.

    A URI that `limen.host_uri` does not know is not opened; its host is just as little available, so whoever
    looks at several goes on with the others.
    """
    try:
        uri = parse(uri).text
    except InvalidUri as error:
        raise HypervisorUnavailable(shown(uri), str(error)) from error
    eventloop.ensure_running()
    abandoned = threading.Event()

    def open_handle() -> Any:
        try:
            handle = libvirt.openReadOnly(uri) if readonly else libvirt.open(uri)
        except libvirt.libvirtError as error:
            said = _message(error)
            raise HypervisorUnavailable(uri, f"{said}{advice(said)}") from error
        if abandoned.is_set():
            handle.close()
            return None
        with contextlib.suppress(libvirt.libvirtError):  # the in-process test driver has no transport
            handle.setKeepAlive(KEEPALIVE_SECONDS, KEEPALIVE_MISSES)
        return handle

    try:
        handle = within(open_handle, seconds, uri)
    except HypervisorUnavailable:
        abandoned.set()
        raise
    return Connection(uri, handle, readonly)


def host_uuid(conn: Connection) -> str:
    """The host's libvirt UUID, in lower case. Raises `HypervisorError` when the host has none."""
    if conn._host_uuid is None:
        text = conn.run(lambda handle: handle.getCapabilities())
        found = xmltools.parse(text).findtext("host/uuid")
        if not found:
            raise HypervisorError(
                f"{conn.uri} reports no host UUID. Set host_uuid in libvirtd.conf and restart libvirtd."
            )
        conn._host_uuid = found.strip().lower()
    return conn._host_uuid


def require_host(conn: Connection, expected: str) -> None:
    """Raise `HostMismatch` unless this connection reaches the host whose UUID is `expected`."""
    found = host_uuid(conn)
    if found != expected.strip().lower():
        raise HostMismatch(conn.uri, expected, found)


def within(work: Callable[[], T], seconds: float, uri: str) -> T:
    """Run `work` in a daemon thread for `seconds` at most; one that hangs in libvirt's C code is left
    behind.
    """
    if getattr(_worker, "busy", False):
        return work()
    results: list[T] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def body() -> None:
        _worker.busy = True
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  handed over to the caller's thread, which raises it
            failures.append(error)
        finally:
            done.set()

    started = time.monotonic()
    threading.Thread(target=body, name=f"libvirt {uri}", daemon=True).start()
    if not done.wait(seconds):
        waited = time.monotonic() - started
        raise HypervisorUnavailable(uri, f"no answer within {waited:.0f} s")
    if failures:
        raise failures[0]
    return results[0]


def translate(error: libvirt.libvirtError, uri: str) -> HypervisorError:
    """Libvirt's error as ours; whoever raises it chains the original."""
    code, domain = error.get_error_code(), error.get_error_domain()
    if code in _NOT_FOUND:
        return NotFound(_NOT_FOUND[code], _detail(error))
    lost = code in (libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_CONN, libvirt.VIR_ERR_RPC)
    if lost or (domain == libvirt.VIR_FROM_RPC and code != libvirt.VIR_ERR_NO_SUPPORT):
        return HypervisorUnavailable(uri, _message(error))
    return HypervisorError(f"Libvirt on {uri} says: {_message(error)}")


def _message(error: libvirt.libvirtError) -> str:
    return str(error.get_error_message() or error).strip()


def advice(said: str) -> str:
    """What to do about a connection by SSH that failed, as sentences after libvirt's own words."""
    found = next((each for part, each in _ADVICE.items() if part in said), "")
    return f". {found}" if found else ""


def _detail(error: libvirt.libvirtError) -> str:
    """What was looked for: the quoted part of "Domain not found: no domain with matching uuid '...'"."""
    quoted = re.search(r"'(.+)'", _message(error))
    return quoted[1] if quoted else f"that was asked for ({_message(error)})"
