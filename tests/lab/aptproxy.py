"""apt-cacher-ng on the machine's end of the veth pair: guests install packages through it.

It asks the mirrors that the guests name, which are the machine's own, by way of the machine's proxy if it has
one. The cache outside the tree serves one proxy at a time; a second lab has one of its own, in its state.
"""

import os
import socket
from pathlib import Path

from tests.lab import aptconf, locking, netns, ports, processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance, cache_root

MARK = "LIMEN_LAB_APT_PROXY"
CACHE_MARK = "LIMEN_LAB_APT_CACHE"
# apt-cacher-ng 3.7 resolves no address for a port above 32767.
PORTS = range(13142, 32768)


def url(lab: Instance) -> str:
    """What guests set as Acquire::http::Proxy."""
    return f"http://{netns.addresses(lab)[0].ip}:{port(lab)}"


def port_file(lab: Instance) -> Path:
    return lab.state / "aptproxy-port"


def port(lab: Instance) -> int:
    """The proxy's port on the near end, kept once chosen."""
    kept = port_file(lab)
    if not kept.exists():
        address = str(netns.addresses(lab)[0].ip)
        kept.write_text(f"{next(number for number in PORTS if ports.is_free(address, number))}\n")
    return int(kept.read_text())


def running(lab: Instance) -> list[processes.Process]:
    """The lab's proxy, if it runs."""
    return processes.with_variable(MARK, str(lab.state))


def listens(lab: Instance) -> bool:
    """Whether the proxy takes connections."""
    try:
        with socket.create_connection((str(netns.addresses(lab)[0].ip), port(lab)), timeout=2):
            return True
    except OSError:
        return False


def choose_cache(lab: Instance) -> Path:
    """The common cache if no other proxy works on it (two would spoil it), else one in the lab's state."""
    common = cache_root() / "apt-cacher-ng"
    return lab.state / "apt-cache" if processes.with_variable(CACHE_MARK, str(common)) else common


def configuration(lab: Instance, cache: Path) -> str:
    """The text of acng.conf."""
    lines = [
        f"CacheDir: {cache}",
        f"LogDir: {lab.state / 'log'}",
        f"Port: {port(lab)}",
        f"BindAddress: {netns.addresses(lab)[0].ip}",
        "ReportPage:",
        "ForeGround: 1",
        "ExThreshold: 4",
    ]
    if proxy := aptconf.option("Acquire::http::Proxy"):
        lines.append(f"Proxy: {proxy}")
    return "\n".join(lines) + "\n"


def up(lab: Instance) -> bool:
    """Start the proxy unless it runs; returns whether it had to be started. Raises LabError."""
    if running(lab) and listens(lab):
        return False
    down(lab)
    port_file(lab).unlink(missing_ok=True)  # another may have taken it since
    conf = lab.folder("aptproxy") / "acng.conf"
    conf.touch(mode=0o600)  # a proxy's address may hold a password
    log = lab.folder("log") / "apt-cacher-ng.out"
    with locking.locked(cache_root() / "apt-cacher-ng.lock", "another lab's package proxy"):
        cache = choose_cache(lab)
        cache.mkdir(parents=True, exist_ok=True)
        conf.write_text(configuration(lab, cache))
        argv = ["apt-cacher-ng", "-c", str(conf.parent)]
        env = {**os.environ, CACHE_MARK: str(cache)}
        process = processes.start(argv, log, (MARK, str(lab.state)), env)
    processes.wait_until(lambda: listens(lab) or not processes.alive(process), 20, "apt-cacher-ng's start")
    if not processes.alive(process):
        raise LabError(f"apt-cacher-ng ended at once: see {log}")
    return True


def down(lab: Instance) -> None:
    """Stop the proxy."""
    processes.stop(running(lab), "apt-cacher-ng")
