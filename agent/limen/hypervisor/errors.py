"""The error family of this package. Errors of libvirt are turned into these and chained."""

from limen.quota.errors import LimenError


class HypervisorError(LimenError):
    """Libvirt could not do what was asked; the message is a sentence."""


class HypervisorUnavailable(HypervisorError):
    """The host does not answer. That says nothing about what it holds."""

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(f"The hypervisor at {uri} is not available: {reason}")
        self.uri = uri
        self.reason = reason


class HostMismatch(HypervisorError):
    """The URI reaches another host than the one that is meant."""

    def __init__(self, uri: str, expected: str, found: str) -> None:
        super().__init__(
            f"{uri} reaches the host {found}, but {expected} is meant. "
            "Correct the URI, or register this host with `limen host add`."
        )
        self.uri = uri
        self.expected = expected
        self.found = found


class NotFound(HypervisorError):
    """The host answered, and the thing is not there."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"There is no {kind} {name} on this host.")
        self.kind = kind
        self.name = name


class Refused(HypervisorError):
    """The change is not possible, or only by means that were not allowed. Nothing was changed."""
