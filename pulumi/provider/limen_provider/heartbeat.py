"""Heartbeats: reservations live as long as the process that builds on them."""

import logging
import threading
from collections.abc import Callable

from limen.client import ApiError
from limen.quota.errors import LimenError

BEAT_SECONDS = 20.0
"""The API's deadline is two minutes after the last heartbeat: five may get lost."""

_LOG = logging.getLogger(__name__)

Beat = Callable[[str, list[str]], object]


class Heartbeats:
    """Sends `beat(claim id, fences)` for all that is held, until `stop` or the end of the process."""

    def __init__(self, beat: Beat, seconds: float = BEAT_SECONDS) -> None:
        self._beat = beat
        self._seconds = seconds
        self._held: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, claim_id: str, key: str | None = None, fence: str | None = None) -> None:
        """Keep a claim's reservations alive; with `key` and `fence` also an item that this process builds."""
        with self._lock:
            fences = self._held.setdefault(claim_id, {})
            if key is not None and fence is not None:
                fences[key] = fence
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)
                self._thread.start()

    def fence(self, claim_id: str, key: str) -> str | None:
        """The fencing token that this process holds for an item, None if it builds no such item."""
        with self._lock:
            return self._held.get(claim_id, {}).get(key)

    def let_go(self, claim_id: str, key: str | None = None) -> None:
        """Forget an item, or without `key` the whole claim."""
        with self._lock:
            if key is None:
                self._held.pop(claim_id, None)
            else:
                self._held.get(claim_id, {}).pop(key, None)

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            with self._lock:
                held = {claim: list(fences.values()) for claim, fences in self._held.items()}
            for claim, fences in held.items():
                self._send(claim, fences)

    def _send(self, claim: str, fences: list[str]) -> None:
        try:
            self._beat(claim, fences)
        except ApiError as error:
            _LOG.warning("The heartbeat of claim %s was refused: %s", claim, error)
            if error.code == "not_found":
                self.let_go(claim)
        except LimenError as error:
            # The next one may get through; if none does, the items are admitted anew by the next run.
            _LOG.warning("The heartbeat of claim %s did not get through: %s", claim, error)
