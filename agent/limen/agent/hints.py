"""Limen's metadata of the domains, asked for once for each and again when an event says that it changed."""

import threading
from collections.abc import Callable, Collection
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

    def of(self, uuid: str) -> Hint | None:
        return self._known.get(uuid)

    def learn(self, domains: Collection[Any]) -> None:
        """Ask for what is not known of these virDomains, and forget all others."""
        uuids = {domain.UUIDString() for domain in domains}
        with self._lock:
            for gone in self._known.keys() - uuids:
                del self._known[gone]
            unknown = [domain for domain in domains if domain.UUIDString() not in self._known]
        for domain in unknown:
            uuid = domain.UUIDString()
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
        self.learn(handle.listAllDomains(0))
        return release


def _hint(domain: Any) -> Hint | None:
    try:
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, xmltools.HINT_NAMESPACE, 0)
    except libvirt.libvirtError:
        return None  # it has none, or is gone
    return domain_xml.hint_of_item(xmltools.parse(text))
