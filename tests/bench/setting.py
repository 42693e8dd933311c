"""What the admission benchmark runs against: trees of projects, and hosts with room for all."""

from uuid import UUID, uuid5

from limen.ledger import Ledger
from limen.ledger.migrate import migrate
from limen.quota.model import Limit

TREES = 50
LEVELS = 3
RESOURCES = ("vms", "vcpus", "memory", "disk")
ROOM = 2**52
_NAMES = UUID("7d3f3a52-1f0c-4a57-9d5c-3f6f0a6f7a11")


def leaf(tree: int) -> str:
    """The project of that tree that admissions are asked for."""
    return f"t{tree}-l{LEVELS - 1}"


def host_id(number: int) -> UUID:
    """The id of the host of that number."""
    return uuid5(_NAMES, f"host {number}")


def prepare(url: str, hosts: int) -> None:
    """Migrate the database at `url` and fill it: 50 trees of 3 levels, 4 limited resources, `hosts` hosts."""
    migrate(url)
    with Ledger.open(url) as ledger:
        limits = {resource: Limit(ROOM) for resource in RESOURCES}
        for tree in range(TREES):
            parent = None
            for level in range(LEVELS):
                name = f"t{tree}-l{level}"
                ledger.projects.create(name, parent, "bench")
                ledger.limits.put(name, limits, "bench")
                parent = name
        capacity = {"vcpus": ROOM, "memory": ROOM, "disk": ROOM}
        for number in range(hosts):
            ledger.hosts.add(
                host_id(number), "test:///default", f"host-{number}", capacity, "bench", reserve=None
            )
