"""The error family of the ledger. `code` is the problem code that the API answers with."""

from typing import ClassVar

from limen.quota.decision_json import DecisionJson
from limen.quota.errors import LimenError


class LedgerError(LimenError):
    """Base of every error of the ledger; `str()` is one sentence that says what to do."""

    code: ClassVar[str] = "conflict"


class Busy(LedgerError):
    """A lock, statement or connection was not to be had in time; try again after `retry_after` seconds."""

    code = "busy"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(LedgerError):
    """The database cannot be reached, or is not migrated."""

    code = "unavailable"


class NotFound(LedgerError):
    """What was named does not exist."""

    code = "not_found"


class Conflict(LedgerError):
    """What was asked for contradicts what there is (a name taken, a project not empty, a cycle)."""

    code = "conflict"


class StaleGeneration(Conflict):
    """The claim was changed since the caller read it; `current` is its generation now."""

    code = "stale_generation"

    def __init__(self, message: str, current: int) -> None:
        super().__init__(message)
        self.current = current


class FingerprintMismatch(Conflict):
    """The claim belongs to another stack; a takeover must be asked for."""

    code = "fingerprint_mismatch"


class NotAdmitted(Conflict):
    """The item is not reserved at this size, so it must not be built."""

    code = "not_admitted"


class Invalid(LedgerError):
    """A value cannot be right whatever the ledger holds."""

    code = "invalid"


class Denied(LedgerError):
    """The decision is no; `decision` is its JSON without holders, which the audit log has too."""

    code = "quota_denied"

    def __init__(self, decision: DecisionJson) -> None:
        super().__init__(decision["text"])
        self.decision = decision


class Unauthenticated(LedgerError):
    """The token is unknown, expired or revoked."""

    code = "unauthenticated"
