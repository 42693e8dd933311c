"""What runs in the background of a serving agent, beside its answers to scrapes."""

from collections.abc import Sequence
from typing import Protocol

from limen.agent.admitted import Copy
from limen.agent.control_plane import ControlPlaneClient
from limen.agent.logs import Log
from limen.agent.settings import ControlPlane, Settings

_log = Log(__name__)


class Service(Protocol):
    """Something that works in threads of its own (daemon threads: they never hold up the end)."""

    @property
    def name(self) -> str:
        """How the log calls it."""
        ...

    def start(self) -> None:
        """Begin, and return at once. What it needs may be away for now: that is no error."""
        ...

    def stop(self) -> None:
        """End; returns within a second."""
        ...


def services_for(settings: Settings) -> Sequence[Service]:
    """The services of an agent with these settings, in the order in which they start."""
    services: list[Service] = []
    if settings.libvirt_uri is not None and settings.control_plane is not None:
        from limen.agent.observing.observer import Observer  # libvirt's bindings may not be there

        client, copy = client_of(settings.control_plane), Copy(settings.state_dir)
        services.append(Observer(settings.libvirt_uri, client, copy, settings.scan_interval))
    return services


def client_of(plane: ControlPlane) -> ControlPlaneClient:
    """Speaks to limen-api for this host."""
    return ControlPlaneClient(plane.url, plane.token_file, plane.ca_file, address=plane.address)


class Running:
    """A context in which services run; they stop in reverse order, and a failure of one stops the others."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services
        self._started: list[Service] = []

    def __enter__(self) -> None:
        try:
            for service in self._services:
                service.start()
                self._started.append(service)
                _log.info("service started", service=service.name)
        except BaseException:
            self._stop()
            raise

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        for service in reversed(self._started):
            try:
                service.stop()
            except Exception as error:  # noqa: BLE001  the others have to stop as well
                _log.error("service did not stop", error, service=service.name)
