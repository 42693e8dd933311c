"""A scrape of limen-agent beside the bare libvirt call, and beside node_exporter.

    python -m tests.bench.agent [--domains 50,200] [--paused 10] [--scrapes 30] [--resident 1000]

Of the domains, `--paused` run (paused) and the others are defined. The machine may be busy: each pair is
measured in turns, and the medians are compared.
"""

import argparse
import http.client
import itertools
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from limen.agent.statistics import bulk_statistics
from limen.hypervisor.connection import Connection, connect
from tests.bench.admissions import MISSED
from tests.contract.hypervisors import hypervisor
from tests.lab import processes
from tests.lab.instance import Instance
from tests.lab.ports import free
from tests.world.serving import Serving, serving

RATIO, ROOM_SECONDS = 1.2, 0.010
NODE_RATIO = 2.0
RESIDENT_MIB = 45.0
HOST_COLLECTORS = (
    "cpu",
    "loadavg",
    "meminfo",
    "filesystem",
    "diskstats",
    "netdev",
    "pressure",
    "time",
    "stat",
)
DOMAIN = """<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><metadata>
<limen:item xmlns:limen='urn:limen:domain:1' owner='bench' project='p{number}' claim='' key=''/></metadata>
<memory unit='MiB'>16</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>
<cpu mode='maximum'/><devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>
<source file='{disk}'/><target dev='vda' bus='virtio'/><shareable/></disk></devices></domain>"""


def main() -> int:
    """Measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.agent", description=__doc__)
    parser.add_argument("--domains", default="50,200", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--paused", default=10, type=int)
    parser.add_argument("--scrapes", default=30, type=int)
    parser.add_argument("--resident", default=1000, type=int, help="scrapes before memory is read")
    options = parser.parse_args()
    met = []
    with tempfile.TemporaryDirectory() as name, hypervisor("ba") as lab:
        folder = Path(name)
        met.append(_beside_node_exporter(folder, options.scrapes))
        uri = f"qemu+unix:///system?socket={lab.state}/run/libvirt-sock-ro"
        log = {"LIBVIRT_LOG_FILTERS": "1:rpc.netclient", "LIBVIRT_LOG_OUTPUTS": f"1:file:{folder / 'calls'}"}
        with connect(lab.libvirt_uri) as conn, connect(uri, readonly=True) as reader:
            have = 0
            calls = set()
            for wanted in options.domains:
                _fill(conn, lab, folder / "disk", range(have, wanted), options.paused)
                have = wanted
                with serving(folder / "log", "--libvirt-uri", uri) as agent:
                    met.append(_beside_libvirt(agent, reader, wanted, options.scrapes))
                    met.append(_resident(agent, options.resident))
                with serving(folder / "log", "--libvirt-uri", uri, environment=log) as agent:
                    calls.add(_calls(agent, folder / "calls"))
            print(f"libvirt calls a scrape with {options.domains} domains: {sorted(calls)}", flush=True)
            met.append(len(calls) == 1)
    return 0 if all(met) else MISSED


def _fill(conn: Connection, lab: Instance, disk: Path, numbers: range, paused: int) -> None:
    disk.write_bytes(bytes(2**20))
    for number in numbers:
        text = DOMAIN.format(name=f"b{number}", uuid=uuid.uuid4(), number=number % 5, disk=disk)
        conn.run(partial(_define, text=text, start=number < paused), 120)


def _define(handle: Any, text: str, start: bool) -> None:
    domain = handle.defineXML(text)
    if start:
        domain.createWithFlags(1)  # paused


def _turns(count: int, *works: Callable[[], object]) -> list[float]:
    """The median seconds of each, measured in turns after two rounds to warm up."""
    took: list[list[float]] = [[] for _ in works]
    for turn in range(count + 2):
        for seconds, work in zip(took, works, strict=True):
            begun = time.perf_counter()
            work()
            if turn >= 2:
                seconds.append(time.perf_counter() - begun)
    return [statistics.median(seconds) for seconds in took]


def _get(address: str) -> Callable[[], bytes]:
    connection = http.client.HTTPConnection(address, timeout=60)

    def get() -> bytes:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()

    return get


def _beside_libvirt(agent: Serving, reader: Connection, domains: int, scrapes: int) -> bool:
    bare, scrape = _turns(scrapes, lambda: reader.run(bulk_statistics), _get(agent.address))
    allowed = RATIO * bare + ROOM_SECONDS
    print(
        f"{domains} domains: bare getAllDomainStats {bare * 1e3:.1f} ms, scrape {scrape * 1e3:.1f} ms: ratio "
        f"{scrape / bare:.2f}, {scrape / allowed:.2f} of what is allowed (1.2 times + 10 ms)",
        flush=True,
    )
    return scrape <= allowed


def _resident(agent: Serving, scrapes: int) -> bool:
    get = _get(agent.address)
    for _ in itertools.repeat(None, scrapes):
        get()
    mib = agent.resident_bytes() / 2**20
    print(f"  resident after {scrapes} scrapes more: {mib:.1f} MiB (target {RESIDENT_MIB:.0f})", flush=True)
    return mib <= RESIDENT_MIB


def _calls(agent: Serving, log: Path) -> int:
    get = _get(agent.address)
    there = b'limen_agent_collector_success{collector="domains"} 1'
    processes.wait_until(lambda: there in get(), 30, "a scrape with the domains")
    before = log.read_text().count("RPC_CLIENT_MSG_TX_QUEUE")
    get()
    return log.read_text().count("RPC_CLIENT_MSG_TX_QUEUE") - before


def _beside_node_exporter(folder: Path, scrapes: int) -> bool:
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        sys.exit("prometheus-node-exporter is not installed: python3 -m tests.lab packages")
    port = free("127.0.0.1")
    argv = [
        program,
        f"--web.listen-address=127.0.0.1:{port}",
        "--collector.disable-defaults",
        "--log.level=error",
    ]
    argv += [f"--collector.{name}" for name in HOST_COLLECTORS]
    with (
        subprocess.Popen(argv) as exporter,
        serving(folder / "log", "--libvirt-uri", "none") as agent,
    ):
        try:
            theirs = _get(f"127.0.0.1:{port}")
            _wait(theirs)
            ours, other = _turns(scrapes, _get(agent.address), theirs)
        finally:
            exporter.kill()
    print(
        f"host metrics: limen-agent {ours * 1e3:.1f} ms, prometheus-node-exporter {other * 1e3:.1f} ms: "
        f"ratio {ours / other:.2f} (target {NODE_RATIO:.0f})",
        flush=True,
    )
    return ours <= NODE_RATIO * other


def _wait(get: Callable[[], bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            get()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
