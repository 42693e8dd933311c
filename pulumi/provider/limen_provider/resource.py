"""What a resource class is: methods over plain values, without any gRPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Protocol

from limen_provider.engine import Log
from limen_provider.errors import Failure

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """What every operation is told besides properties.

    `timeout` is the user's custom timeout in seconds, 0 where none is set. `seed` makes what Check mints
    repeatable under an update plan; it is empty elsewhere.
    """

    urn: str
    log: Log
    timeout: float = 0.0
    seed: bytes = b""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def stack(self) -> str:
        return self._part(0)

    @property
    def program(self) -> str:
        """The name of the Pulumi project."""
        return self._part(1)

    def _part(self, index: int) -> str:
        parts = self.urn.removeprefix("urn:pulumi:").split("::")
        return parts[index] if len(parts) > index else ""


@dataclass(frozen=True)
class Checked:
    """The inputs with defaults filled in and one spelling for each value, and what is wrong with them."""

    inputs: Properties
    failures: Sequence[Failure] = ()


class Change(Enum):
    """The kind of change of one property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Diff:
    """`changes` of inputs by property path; `drift`: outputs that the world no longer matches.

    Either makes an update. `replaces`: top-level inputs whose change makes a new resource; the old one is
    deleted first if `delete_before_replace`.
    """

    changes: Mapping[str, Change] = field(default_factory=dict)
    drift: Sequence[str] = ()
    replaces: Sequence[str] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True)
class Created:
    id: str
    outputs: Properties


@dataclass(frozen=True)
class Found:
    """What Read found: the inputs that a program would have to give, and the outputs."""

    id: str
    inputs: Properties
    outputs: Properties


class Resource(Protocol):
    """One kind of resource. Every method raises errors of the `LimenError` family only.

    Values may be `UNKNOWN` in Check, Diff, and Create or Update with `preview`; never elsewhere.
    """

    type_name: ClassVar[str]
    schema: ClassVar[dict[str, Any]]

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked: ...

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff: ...

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created: ...

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """None where there is no such thing any more. `inputs` and `outputs` are empty for an import."""
        ...

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties: ...

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None: ...
