# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A libvirt host: opened, read in bulk, its errors ours. Modules act through it where they run."""

from __future__ import annotations

import contextlib
import functools
import threading
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible_collections.limen.platform.plugins.module_utils import vm_xml
from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError
from ansible_collections.limen.platform.plugins.module_utils.host_uri import parse
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Seen, Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible

try:
    import libvirt

    LIBVIRT_ERROR = None
except ImportError:
    libvirt = None
    LIBVIRT_ERROR = traceback.format_exc()

__all__ = ["Host", "HypervisorError", "connect", "libvirt", "require_libvirt", "uri_argument"]

CALLS_AT_ONCE = 4
"""Libvirt's daemon takes in five requests of one client at a time."""

DEFAULT_URI = "qemu:///system"
T = t.TypeVar("T")


class HypervisorError(LimenError):
    """Libvirt could not do what was asked; the message is a sentence."""


def uri_argument() -> dict[str, t.Any]:
    """The option `uri` of every module that acts through libvirt."""
    return {"type": "str", "default": DEFAULT_URI, "fallback": (env_fallback, ["LIMEN_LIBVIRT_URI"])}


def require_libvirt(module: AnsibleModule) -> None:
    """Fail with a sentence where libvirt-python is missing."""
    if libvirt is None:
        module.fail_json(
            msg=missing_required_lib("libvirt-python", reason="(Debian: python3-libvirt) to act on VMs"),
            exception=LIBVIRT_ERROR,
        )


class Host:
    """An open connection to libvirt at `uri`; a context manager."""

    def __init__(self, uri: str, handle: t.Any) -> None:
        self.uri = uri
        self.handle = handle
        self._capabilities: t.Any = None

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_error: object) -> None:
        with contextlib.suppress(libvirt.libvirtError):
            self.handle.close()

    def run(self, work: t.Callable[[], T]) -> T:
        """The result of `work`; raises HypervisorError for what libvirt refuses."""
        try:
            return work()
        except libvirt.libvirtError as error:
            raise HypervisorError(f"Libvirt on {self.uri} says: {message_of(error)}") from error

    @property
    def uuid(self) -> str:
        """The host's UUID, in lower case; raises HypervisorError where it has none."""
        found: str | None = self._root().findtext("host/uuid")
        if not found:
            raise HypervisorError(
                f"{self.uri} reports no host UUID. Set host_uuid in libvirtd.conf and restart libvirtd."
            )
        return found.strip().lower()

    def machine(self, wanted: Wanted) -> vm_xml.Machine:
        """How a new VM is written here; raises NotPossible for a domain type that the host does not have."""
        root = self._root()
        arch = root.findtext("host/cpu/arch", "x86_64")
        guests = [guest for guest in root.iterfind("guest/arch") if guest.get("name") == arch]
        offered = {domain.get("type", "") for guest in guests for domain in guest.iterfind("domain")}
        kind = wanted.domain_type
        if kind == "auto":
            kind = "kvm" if "kvm" in offered else "qemu"
        if kind not in offered:
            raise NotPossible(
                f"{self.uri} runs no VMs of type {kind}; it offers {', '.join(sorted(offered))}."
            )
        machines = {machine.text for guest in guests for machine in guest.iterfind("machine")}
        machine = wanted.machine or ("q35" if "q35" in machines else "pc")
        cpu = wanted.cpu_mode or ("host-passthrough" if kind == "kvm" else "maximum")
        return vm_xml.Machine(kind, arch, machine, cpu)

    def read(self, names: t.Collection[str]) -> dict[str, Seen]:
        """The domains of these names, by name, in bulk: states and disks' sizes of all come in one call."""
        return self.run(lambda: self._read(frozenset(names)))

    def _read(self, names: frozenset[str]) -> dict[str, Seen]:
        domains = [domain for domain in self.handle.listAllDomains(0) if domain.name() in names]
        if not domains:
            return {}
        persistent = self._uuids(libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
        autostart = self._uuids(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
        halves = domains[::2], domains[1::2]
        stats: dict[str, t.Mapping[str, t.Any]] = {}

        def read_stats(some: t.Sequence[t.Any]) -> None:
            wanted = libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_BLOCK
            for domain, values in self.handle.domainListGetStats(some, wanted, 0):
                stats[domain.UUIDString()] = values

        def read_texts(domain: t.Any) -> tuple[str, str | None] | None:
            with ignoring_gone():
                text = domain.XMLDesc(0)
                both = vm_xml.is_live(text) and domain.UUIDString() in persistent
                return text, domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if both else None
            return None

        jobs: list[t.Callable[[], t.Any]] = [
            # Libvirt asks one QEMU after the other for the sizes of its disks: two calls, two at a time.
            *(functools.partial(read_stats, some) for some in halves if some),
            *(functools.partial(read_texts, domain) for domain in domains),
        ]
        found = {}
        for domain, texts in zip(domains, side_by_side(jobs)[-len(domains) :], strict=True):
            uuid = domain.UUIDString()
            if texts is not None and uuid in stats:
                text, defined = texts
                found[domain.name()] = _seen(text, defined, stats[uuid], uuid in autostart)
        return found

    def _uuids(self, kind: int) -> set[str]:
        return {domain.UUIDString() for domain in self.handle.listAllDomains(kind)}

    def _root(self) -> t.Any:
        if self._capabilities is None:
            self._capabilities = vm_xml.parse(self.run(self.handle.getCapabilities))
        return self._capabilities


def connect(uri: str) -> Host:
    """Open `uri`; raises InvalidUri, and HypervisorError with what to check."""
    uri = parse(uri).text
    # Libvirt would print each error to standard error too.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        return Host(uri, libvirt.open(uri))
    except libvirt.libvirtError as error:
        raise HypervisorError(
            f"The hypervisor at {uri} can't be reached: {message_of(error)}. "
            "Check uri, and that libvirtd runs."
        ) from error


@contextlib.contextmanager
def ignoring_gone() -> t.Iterator[None]:
    """What vanishes between two looks is not there."""
    try:
        yield
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise


def message_of(error: t.Any) -> str:
    return str(error.get_error_message() or error).strip()


def side_by_side(jobs: t.Sequence[t.Callable[[], t.Any]]) -> list[t.Any]:
    """The results of calls to libvirt, which answers several at once; raises the first error.

    The interpreter is free while one waits, so that a list of VMs takes little longer than its slowest part.
    """
    results: list[t.Any] = [None] * len(jobs)
    errors: list[BaseException] = []
    left = iter(enumerate(jobs))
    lock = threading.Lock()

    def work() -> None:
        while not errors:
            with lock:
                index, job = next(left, (-1, None))
            if job is None:
                return
            try:
                results[index] = job()
            except Exception as error:  # noqa: BLE001  handed over to the caller, which raises it
                errors.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _each in range(min(CALLS_AT_ONCE, len(jobs)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def _seen(text: str, defined: str | None, values: t.Mapping[str, t.Any], autostart: bool) -> Seen:
    live = vm_xml.is_live(text)
    capacities = {
        values[f"block.{index}.name"]: values[f"block.{index}.capacity"]
        for index in range(values.get("block.count", 0))
        if f"block.{index}.capacity" in values
    }
    state = _state(values["state.state"]) if live else "stopped"
    return vm_xml.read(defined if live else text, text if live else None, state, autostart, capacities)


def _state(number: int) -> str:
    """The state of a domain that is on."""
    if number == libvirt.VIR_DOMAIN_PAUSED:
        return "paused"
    return "suspended" if number == libvirt.VIR_DOMAIN_PMSUSPENDED else "running"
