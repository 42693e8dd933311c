"""Child processes of the host: started, streamed, and always ended.

They stay in the host's process group on purpose: the engine interrupts, and in the end kills, that whole
group, so that no program outlives a host that was killed.
"""

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from .errors import HostError

# The engine kills the host five seconds after it has asked it to stop: children get less.
GRACE_S = 3.0
CHUNK = 64 * 1024


class Child:
    """One child process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def stop(self) -> None:
        """Interrupt it, and kill it if it is still there after the grace period."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def feed(self, text: str) -> None:
        """Write all of the child's standard input and close it."""
        stdin = self.process.stdin
        if stdin is None:
            raise ValueError("the child has no standard input")
        try:
            with stdin:
                stdin.write(text.encode())
        except BrokenPipeError:
            # It died early; its exit code says so.
            return

    def output(self) -> Iterator[tuple[str, bytes]]:
        """Yield ("stdout" or "stderr", bytes) as they come, until both are closed."""
        chunks: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

        def pump(name: str, stream: IO[bytes]) -> None:
            with stream:
                while data := os.read(stream.fileno(), CHUNK):
                    chunks.put((name, data))
            chunks.put((name, b""))

        streams = {"stdout": self.process.stdout, "stderr": self.process.stderr}
        open_streams = set()
        for name, stream in streams.items():
            if stream is not None:
                open_streams.add(name)
                threading.Thread(target=pump, args=(name, stream), daemon=True).start()
        while open_streams:
            name, data = chunks.get()
            if data:
                yield name, data
            else:
                open_streams.discard(name)


class Children:
    """All living children, so that a cancelled or ending host leaves none behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._living: set[Child] = set()

    def start(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        *,
        fed: bool = False,
        captured: bool = False,
    ) -> Child:
        """Start a child.

        fed: standard input is a pipe for Child.feed, else it is empty.
        captured: output is for Child.output, else it is the host's own.
        Raises HostError when it can't be started.
        """
        try:
            process = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
                stdout=subprocess.PIPE if captured else None,
                stderr=subprocess.PIPE if captured else None,
            )
        except OSError as exc:
            raise HostError(f"could not start {argv[0]} in {cwd}: {exc.strerror}") from exc
        child = Child(process)
        with self._lock:
            self._living.add(child)
        return child

    def wait(self, child: Child) -> int:
        """The child's exit code (negative: killed by that signal)."""
        code = child.process.wait()
        with self._lock:
            self._living.discard(child)
        return code

    def stop_all(self) -> None:
        """Stop every living child, all at the same time."""
        with self._lock:
            living = list(self._living)
        stoppers = [threading.Thread(target=child.stop) for child in living]
        for thread in stoppers:
            thread.start()
        for thread in stoppers:
            thread.join()
