"""apt-cacher-ng on the machine's end of the veth pair: guests install packages through it, from the machine's mirrors.

Its cache stands outside the tree and is shared by the labs of one machine that run one after the other.
"""

import subprocess

from tests.lab import netns, postgres, processes
from tests.lab.errors import LabError
from tests.lab.instance import Instance, cache_root


def url(lab: Instance) -> str:
    """What guests set as Acquire::http::Proxy."""
    return f"http://{netns.addresses(lab)[0].ip}:{port(lab)}"


def port(lab: Instance) -> int:
    """The proxy's port, kept once chosen."""
    kept = lab.state / "aptproxy-port"
    if not kept.exists():
        kept.write_text(f"{postgres.free_port()}\n")
    return int(kept.read_text())


def upstream() -> str:
    """The machine's own HTTP proxy for apt, if it has one."""
    done = subprocess.run(
        ["apt-config", "shell", "PROXY", "Acquire::http::Proxy"], capture_output=True, text=True, check=False
    )
    _, _, value = done.stdout.strip().partition("=")
    return value.strip("'")


def up(lab: Instance) -> bool:
    """Start the proxy unless it runs; returns whether it had to be started."""
    record = lab.state / "aptproxy.json"
    if processes.recorded(record):
        return False
    conf = lab.folder("aptproxy")
    near = netns.addresses(lab)[0].ip
    cache = cache_root() / "apt-cacher-ng" / lab.name
    cache.mkdir(parents=True, exist_ok=True)
    lines = [
        f"CacheDir: {cache}",
        f"LogDir: {lab.folder('log')}",
        f"Port: {port(lab)}",
        f"BindAddress: {near}",
        "ReportPage:",
        "ForeGround: 1",
        "ExThreshold: 4",
        "PassThroughPattern: ^$",
    ]
    if proxy := upstream():
        lines.append(f"Proxy: {proxy}")
    (conf / "acng.conf").write_text("\n".join(lines) + "\n")
    with (lab.folder("log") / "apt-cacher-ng.out").open("ab") as log:
        started = subprocess.Popen(
            ["apt-cacher-ng", "-c", str(conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    process = processes.identify(started.pid)
    if process is None or started.poll() is not None:
        raise LabError(f"apt-cacher-ng ended at once: see {lab.state}/log/apt-cacher-ng.out")
    processes.record(record, process)
    return True


def down(lab: Instance) -> None:
    """Stop the proxy."""
    record = lab.state / "aptproxy.json"
    processes.stop(processes.recorded(record), "apt-cacher-ng")
    record.unlink(missing_ok=True)
