"""What a collector is."""

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

from limen.agent.metrics import Family


class Reading(Protocol):
    """What was seen at one moment: a frozen dataclass, whose fields are the JSON document's."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def families(self) -> Iterable[Family]:
        """The same as metrics."""
        ...


class Collector(Protocol):
    """Looks at one subject. It may block: it has a thread of its own, and nobody waits for it for ever."""

    def collect(self) -> Reading:
        """Look; any exception means that nothing was seen, and its text says why."""
        ...
