"""A scrape: every collector at once, answered in time with what is there."""

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass

from limen.agent.collectors.collector import Collector, Reading
from limen.agent.logs import Log
from limen.agent.metrics import Family, gauge, labels
from limen.agent.workers import Run, Worker

_log = Log(__name__)
# Of the limit: the rest is for drawing and sending the answer.
_SHARE = 0.9


@dataclass(frozen=True)
class Outcome:
    """What one collector made of a scrape: a reading, or an error."""

    reading: Reading | None
    seconds: float
    error: str | None

    @property
    def success(self) -> bool:
        return self.error is None


class Scraper:
    """Holds the collectors by name; `timeout` is the limit of a scrape in seconds."""

    def __init__(self, collectors: Mapping[str, Collector], timeout: float) -> None:
        self._timeout = timeout
        self._workers = {
            name: Worker(f"collect {name}", collector.collect) for name, collector in collectors.items()
        }
        self._last: dict[str, Outcome] = {}

    @property
    def names(self) -> frozenset[str]:
        """Of all collectors."""
        return frozenset(self._workers)

    @property
    def last(self) -> Mapping[str, Outcome]:
        """What the last scrape of each collector brought; those that were never asked are missing."""
        return dict(self._last)

    def scrape(self, names: Container[str] | None = None) -> dict[str, Outcome]:
        """Ask the collectors of these names, or all; returns within the limit."""
        until = time.monotonic() + self._timeout * _SHARE
        wanted = {name: worker for name, worker in self._workers.items() if names is None or name in names}
        runs = {name: worker.begin() for name, worker in wanted.items()}
        outcomes = {name: _outcome(run, until) for name, run in runs.items()}
        for name, outcome in outcomes.items():
            self._note(name, outcome)
        return outcomes

    def _note(self, name: str, outcome: Outcome) -> None:
        before = self._last.get(name)
        self._last[name] = outcome
        # Each change once: a collector that fails for a night is two lines, not thousands.
        if not outcome.success and (before is None or before.success):
            _log.warning("collector fails", collector=name, reason=outcome.error)
        elif outcome.success and before is not None and not before.success:
            _log.info("collector works again", collector=name)


def families(outcomes: Mapping[str, Outcome]) -> list[Family]:
    """Everything that was read, and how each collector fared."""
    duration = gauge(
        "limen_agent_collector_duration_seconds", "Time that a collector took, or has taken so far."
    )
    success = gauge("limen_agent_collector_success", "1 where a collector brought what it should.")
    found = [duration, success]
    for name, outcome in outcomes.items():
        label = labels(collector=name)
        duration.add(outcome.seconds, label)
        success.add(int(outcome.success), label)
        if outcome.reading is not None:
            found.extend(outcome.reading.families())
    return found


def _outcome(run: Run[Reading], until: float) -> Outcome:
    try:
        return Outcome(run.result(until), run.seconds, None)
    except Exception as error:  # noqa: BLE001  one collector's failure is its own
        return Outcome(None, run.seconds, str(error) or type(error).__name__)
