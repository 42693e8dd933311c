"""Runs a command in a sandbox, and leaves nothing behind however the command ends."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from limen.sandbox.document import PreviewState
from limen.sandbox.engine import Prepared, prepare
from limen.sandbox.errors import SandboxError
from limen.sandbox.libvirtd import empty_host

# A socket's path may have 107 characters, and root's libvirtd is nobody's: not every TMPDIR will do.
_BASE = "/tmp"  # noqa: S108
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SandboxError):
    """A signal came while the sandbox was made."""


@contextmanager
def sandbox(state: PreviewState, program: Path) -> Iterator[Prepared]:
    """An empty host and a backend with the state, while the context lasts. Raises `SandboxError`."""
    with _folder() as folder, empty_host(folder / "host", state.host.get("hostUuid")) as empty:
        yield prepare(folder, program, state, empty)


def run(arguments: Sequence[str], program: Path, environment: Mapping[str, str]) -> int:
    """Run the command with our standard streams; signals are handed on. Returns a shell's exit code."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        if process is None:
            early.append(number)
        else:
            _signal(process, number)

    # The handlers first: a signal that came in between would leave the command behind.
    with _handling(hand_on):
        try:
            process = subprocess.Popen(
                list(arguments), cwd=program, env=dict(environment), start_new_session=True
            )
        except OSError as error:
            raise SandboxError(f"{arguments[0]} cannot be run: {error.strerror}") from error
        for number in early:
            _signal(process, number)
        code = process.wait()
    # A command that was killed leaves its plugins.
    _signal(process, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Send it to the command and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals raise `Interrupted` while the context lasts, so that what was begun is undone."""

    def give_up(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(f"Interrupted by {signal.Signals(number).name}; nothing is left behind.")

    with _handling(give_up):
        yield


@contextmanager
def _handling(handler: "signal._HANDLER") -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="limen-preview-", dir=_BASE))
    # So that nobody gets to a libvirtd's folder of its own; what lies beside it is closed.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
