"""What the resources that work on a host have in common: they reach it by their input `libvirtUri`."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from limen.hypervisor.connection import Connection
from limen_provider.engine import with_progress
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Change, Properties
from limen_provider.services import Services

T = TypeVar("T")


class Hosted:
    """Base of such resources."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_host(
        self, call: Call, properties: Properties, work: Callable[[Connection], T], waiting_for: str
    ) -> T:
        """Do `work` on the host that `properties` name, telling the user what is waited for."""

        def connected() -> T:
            return work(self._services.hosts.connection(properties["libvirtUri"]))

        return with_progress(connected, call.log, waiting_for, self._services.cancelled)

    def blind(self, call: Call, changes: Mapping[str, Change], at: str) -> bool:
        """Whether this preview has no access to the host; where something changes it says so.

        `at` is what could not be looked at, and what would have been seen.
        """
        if self._services.preview_only is None:
            return False
        if changes:
            call.log.info(f"This preview has no access to the host and could not look at {at}.")
        return True


def known(properties: Properties, *names: str) -> bool:
    """Whether all of these properties are there and known."""
    return all(properties.get(name) not in (None, UNKNOWN) for name in names)


def split_id(resource_id: str) -> tuple[str, str]:
    """The two parts of an id such as `UUID/vdb`; the second is empty where there is no slash."""
    first, _, second = resource_id.partition("/")
    return first, second
