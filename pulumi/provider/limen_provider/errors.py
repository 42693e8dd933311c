"""The error family of the provider. Messages are sentences: the engine prints them as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from limen.quota.errors import LimenError


@dataclass(frozen=True)
class Failure:
    """What is wrong with one input: its property path, and the reason as a sentence."""

    path: str
    reason: str


class ProviderError(LimenError):
    """Base of the provider's own errors."""


class InvalidInputs(ProviderError):
    """Inputs that cannot be right, found outside Check."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        self.failures = tuple(failures)
        super().__init__("; ".join(f"{failure.path}: {failure.reason}" for failure in failures))


class InitFailed(ProviderError):
    """Something may have come into being, but the operation did not end well.

    The engine keeps `id` and `outputs` in the state and calls Update next time instead of Create.
    """

    def __init__(self, resource_id: str, outputs: Mapping[str, Any], reason: str) -> None:
        self.id = resource_id
        self.outputs = dict(outputs)
        self.reason = reason
        super().__init__(reason)


class Cancelled(ProviderError):
    """The engine asked to stop."""
