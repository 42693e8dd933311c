"""Limen's metadata of the domains, asked for once for each and again when an event says that it changed."""

import threading
from collections.abc import Callable, Mapping, Set
from typing import Any

import libvirt

from limen.agent.link import Link
from limen.hypervisor import domain_xml, xmltools
from limen.hypervisor.model import Hint


class Hints:
    """Remembers hints by UUID. Libvirt has no bulk call for metadata: this is a call for each that is new."""

    def __init__(self, link: Link) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Hint | None] = {}
        link.on_connect(self._subscribe)

    def all_known(self, uuids: Set[str]) -> bool:
        """Whether `learn` would have nothing to do."""
        with self._lock:
            return self._known.keys() == uuids

    def of(self, uuid: str) -> Hint | None:
        return self._known.get(uuid)

    def learn(self, domains: Mapping[str, Any]) -> None:
        """Ask for what is not known of these virDomains, by UUID, and forget all others."""
        with self._lock:
            for gone in self._known.keys() - domains.keys():
                del self._known[gone]
            unknown = domains.keys() - self._known.keys()
        for uuid in unknown:
            domain = domains[uuid]
            with self._lock:
                self._known[uuid] = None  # before the call: an event meanwhile makes it unknown again
            hint = _hint(domain)
            with self._lock:
                if uuid in self._known:
                    self._known[uuid] = hint

    def _subscribe(self, handle: Any) -> Callable[[], object]:

        def forget(_handle: Any, domain: Any, *_rest: Any) -> None:
            with self._lock:
                self._known.pop(domain.UUIDString(), None)

        events = (libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE)
        numbers = [handle.domainEventRegisterAny(None, event, forget, None) for event in events]

        def release() -> None:
            for number in numbers:
                handle.domainEventDeregisterAny(number)

        with self._lock:
            self._known.clear()  # events were missed while there was no connection
        self.learn({domain.UUIDString(): domain for domain in handle.listAllDomains(0)})
        return release


def _hint(domain: Any) -> Hint | None:
    try:
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, xmltools.HINT_NAMESPACE, 0)
    except libvirt.libvirtError:
        return None  # it has none, or is gone
    return domain_xml.hint_of_item(xmltools.parse(text))
