"""Group commit: claim changes that arrive together are admitted in one transaction.

A caller whose ticket finds a free lane leads: it takes what waits, up to `group` tickets, admits them and
wakes their callers. Then it hands the lane to whoever heads the queue. There is no thread of its own and no
timer: a lone caller pays nothing, and a hot project's queue is what fills the groups.
"""

import threading
from collections import deque
from collections.abc import Sequence

from limen.ledger.admission import Outcome, Result, admit
from limen.ledger.errors import LedgerError
from limen.ledger.pool import Pool
from limen.ledger.tickets import Ticket


class _Waiting:
    """A caller in the queue.

    It is woken once: with an outcome, to lead, or to go alone after its group failed.
    """

    __slots__ = ("alone", "leads", "outcome", "ticket", "woken")

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.woken = threading.Lock()
        self.woken.acquire()
        self.outcome: Outcome | BaseException | None = None
        self.alone = False
        self.leads = False


class GroupAdmitter:
    """Admit tickets for many threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._leaders = 0

    def submit(self, ticket: Ticket) -> Result:
        """Admit one ticket; returns or raises what became of it. Blocks the calling thread."""
        own = _Waiting(ticket)
        with self._lock:
            if self._leaders < self._pool.settings.lanes:
                self._leaders += 1
                own.leads = True
            else:
                self._queue.append(own)
        if not own.leads:
            own.woken.acquire()
        if own.leads:
            self._lead(own)
        if own.alone:
            return self._alone(ticket)
        if isinstance(own.outcome, Result):
            return own.outcome
        if own.outcome is None:
            raise AssertionError("a woken caller has an outcome")
        raise own.outcome

    def submit_all(self, tickets: Sequence[Ticket]) -> list[Outcome]:
        """Admit a batch of the caller's own in as few transactions as the group size allows."""
        outcomes: list[Outcome] = []
        size = self._pool.settings.group
        for start in range(0, len(tickets), size):
            outcomes += admit(self._pool, tickets[start : start + size])
        return outcomes

    def _lead(self, own: _Waiting) -> None:
        """Admit the caller's ticket together with those that wait, then hand the lane on."""
        with self._lock:
            others = [
                self._queue.popleft() for _ in range(min(len(self._queue), self._pool.settings.group - 1))
            ]
        try:
            self._admit([own, *others])
        finally:
            with self._lock:
                heir = self._queue.popleft() if self._queue else None
                if heir is None:
                    self._leaders -= 1
            if heir is not None:
                heir.leads = True
                heir.woken.release()
            for waiting in others:
                waiting.woken.release()

    def _admit(self, group: list[_Waiting]) -> None:
        try:
            outcomes = admit(self._pool, [waiting.ticket for waiting in group])
        except LedgerError as error:
            if len(group) == 1:
                group[0].outcome = error
            else:
                # One that cannot be had (a lock, a row that two claims want) must not fail the others.
                for waiting in group:
                    waiting.alone = True
            return
        except BaseException as error:
            for waiting in group:
                waiting.outcome = error
            raise
        for waiting, outcome in zip(group, outcomes, strict=True):
            waiting.outcome = outcome

    def _alone(self, ticket: Ticket) -> Result:
        [outcome] = admit(self._pool, [ticket])
        if isinstance(outcome, Result):
            return outcome
        raise outcome
