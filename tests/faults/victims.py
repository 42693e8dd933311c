"""The processes of a run of Pulumi, by the part they play."""

import contextlib
import os
import signal
import time

import psutil

from tests.world.world import MARK

# What the command line of each part shows.
PARTS = {
    "limen_provider": "provider",
    "pulumi-resource-limen": "provider",
    "pulumi-resource-libvirt": "plugin",
    "pulumi-language-python": "language host",
    "language_host": "language host",
}


def part(process: psutil.Process) -> str:
    """`pulumi`, `provider` (ours), `plugin` (libvirt's), `language host`, or `other`."""
    arguments = process.cmdline()
    if arguments and os.path.basename(arguments[0]) == "pulumi":
        return "pulumi"
    line = " ".join(arguments)
    return next((name for words, name in PARTS.items() if words in line), "other")


def running(world_name: str) -> list[psutil.Process]:
    """Every process that was started by Pulumi for this world, whoever its parent is now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == world_name and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def kill(world_name: str, parts: tuple[str, ...]) -> list[str]:
    """SIGKILL the processes of these parts at once; returns what was killed."""
    killed = []
    for process in running(world_name):
        with contextlib.suppress(psutil.Error):
            name = part(process)
            if name in parts:
                process.send_signal(signal.SIGKILL)
                killed.append(f"{name} {process.pid}")
    return killed


def kill_process(pid: int) -> list[str]:
    """SIGKILL one process and wait for its end; returns what was killed, nothing if it is gone."""
    try:
        process = psutil.Process(pid)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    except psutil.NoSuchProcess:
        return []
    return [f"process {pid}"]


def leftovers(world_name: str, seconds: float = 15.0) -> list[str]:
    """What still runs `seconds` after it should have ended, as `pid command line`."""
    deadline = time.monotonic() + seconds
    while (left := running(world_name)) and time.monotonic() < deadline:
        time.sleep(0.1)
    lines = []
    for process in left:
        with contextlib.suppress(psutil.Error):
            lines.append(f"{process.pid} {' '.join(process.cmdline())}")
    return lines
