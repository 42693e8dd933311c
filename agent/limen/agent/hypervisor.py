"""What there is to collect from libvirt. Imported only where there is one: its libraries take 16 MiB."""

from collections.abc import Sequence

from limen.agent.collectors.collector import Collector
from limen.agent.collectors.domains import DomainsCollector
from limen.agent.collectors.networks import NetworksCollector
from limen.agent.collectors.pools import PoolsCollector
from limen.agent.hints import Hints
from limen.agent.link import Link
from limen.agent.owners import Owners
from limen.agent.services import Service
from limen.agent.statistics import Bulk

# Share of a scrape's limit that a first bulk call may take: a second one has to fit in as well.
PATIENCE = 0.4


def libvirt_side(uri: str, owners: Owners, limit: float) -> tuple[dict[str, Collector], Sequence[Service]]:
    """The collectors by name, and the connection that they share; `limit` is that of a scrape."""
    link = Link(uri)
    collectors: dict[str, Collector] = {
        "domains": DomainsCollector(link, Bulk(link, limit * PATIENCE, limit), Hints(link), owners),
        "pools": PoolsCollector(link),
        "networks": NetworksCollector(link),
    }
    return collectors, [link]
