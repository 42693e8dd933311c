"""Which parts an agent consists of, by its settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from limen.agent.admitted import Copy
from limen.agent.collectors.collector import Collector
from limen.agent.collectors.projects import ProjectsCollector
from limen.agent.collectors.registry import HOST
from limen.agent.owners import AdmittedOwners, HintOwners, Owners
from limen.agent.scraping import Scraper
from limen.agent.services import Service, client_of
from limen.agent.settings import ControlPlane, Settings, SettingsError


@dataclass(frozen=True)
class Assembly:
    """The collectors at work, and the services that they need."""

    scraper: Scraper
    services: Sequence[Service]


def assemble(settings: Settings) -> Assembly:
    """Make the parts; nothing of it runs yet."""
    collectors: dict[str, Collector] = {name: make() for name, make in HOST.items()}
    services: list[Service] = []
    if settings.libvirt_uri is not None:
        from limen.agent.hypervisor import libvirt_side  # only where it is needed: see there

        of_libvirt, needed = libvirt_side(settings.libvirt_uri, _owners(settings), settings.scrape_timeout)
        collectors = of_libvirt | collectors  # first, since it waits: the others work meanwhile
        services += needed
        if settings.control_plane is not None:
            collectors["projects"] = _projects(settings.control_plane, settings)
    if unknown := sorted(set(settings.without) - set(collectors)):
        raise SettingsError(
            f"--without names what is no collector here: {', '.join(unknown)}. "
            f"There is: {', '.join(sorted(collectors))}."
        )
    for name in settings.without:
        del collectors[name]
    return Assembly(Scraper(collectors, settings.scrape_timeout), services)


def _projects(plane: ControlPlane, settings: Settings) -> ProjectsCollector:
    """Under which identity limen-api knows this host, the observer has written down."""
    client, copy = client_of(plane), Copy(settings.state_dir)
    return ProjectsCollector(lambda: client.list_projects(copy.read()["host"]), settings.scrape_timeout)


def _owners(settings: Settings) -> Owners:
    return HintOwners() if settings.control_plane is None else AdmittedOwners(Copy(settings.state_dir))
