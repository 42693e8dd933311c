"""Work that may hang, in a thread of its own that never does it twice at once."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Run(Generic[T]):
    """One go at some work. `seconds` is how long it took, or has taken so far."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._took: float | None = None
        self._done = threading.Event()
        self._result: T | None = None
        self._failure: Exception | None = None

    @property
    def done(self) -> bool:
        return self._done.is_set()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun if self._took is None else self._took

    def result(self, until: float) -> T:
        """The result; raises what the work raised, or TimeoutError at `until` (of the monotonic clock)."""
        if not self._done.wait(max(0.0, until - time.monotonic())):
            raise TimeoutError(f"no answer for {self.seconds:.1f} s")
        if self._failure is not None:
            raise self._failure
        assert self._result is not None  # noqa: S101  it is done and did not fail
        return self._result

    def carry_out(self, work: Callable[[], T]) -> None:
        """Do the work, in the thread that calls."""
        try:
            self._result = work()
        except Exception as error:  # noqa: BLE001  whoever waits raises it
            self._failure = error
        finally:
            self._took = time.monotonic() - self._begun
            self._done.set()


class Worker(Generic[T]):
    """A daemon thread that does one piece of work whenever it is asked to, one run at a time.

    `work` must not return None. A run that hangs is not begun again: whoever asks meanwhile gets that run.
    """

    def __init__(self, name: str, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._run: Run[T] | None = None
        self._asked: queue.SimpleQueue[Run[T] | None] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def begin(self) -> Run[T]:
        """The run that is under way, else a new one."""
        with self._lock:
            if self._run is None or self._run.done:
                self._run = Run()
                self._asked.put(self._run)
            return self._run

    def end(self) -> None:
        """Let the thread go when it has done what it was asked for."""
        self._asked.put(None)

    def _serve(self) -> None:
        while (run := self._asked.get()) is not None:
            run.carry_out(self._work)
