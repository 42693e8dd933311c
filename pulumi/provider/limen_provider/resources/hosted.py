"""What the resources that work on a host have in common: they reach it by their input `libvirtUri`."""

from collections.abc import Callable
from typing import TypeVar

from limen.hypervisor.connection import Connection
from limen_provider.engine import with_progress
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Properties
from limen_provider.services import Services

T = TypeVar("T")

BY_STATE = " So says the state: this preview has no access to the host."
"""What is added to what the provider says of a change where it is `Hosted.blind`."""


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

    @property
    def blind(self) -> bool:
        """Whether this preview has no access to the host, so that a state is all there is to compare with."""
        return self._services.preview_only is not None


def known(properties: Properties, *names: str) -> bool:
    """Whether all of these properties are there and known."""
    return all(properties.get(name) not in (None, UNKNOWN) for name in names)


def split_id(resource_id: str) -> tuple[str, str]:
    """The two parts of an id such as `UUID/vdb`; the second is empty where there is no slash."""
    first, _, second = resource_id.partition("/")
    return first, second
