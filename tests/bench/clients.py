"""Clients: processes with threads, each asking at a door for one claim after the other."""

import multiprocessing
import random
import threading
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from uuid import uuid4

from limen.ledger.values import ClaimRequest, Fingerprint, ItemRequest, Owner
from tests.bench.doors import Door
from tests.bench.setting import host_id, leaf

GIB = 2**30
_WARM_UP = 1.0
_OWNER = Owner("stack", "bench")
_FINGERPRINT = Fingerprint("file:///var/lib/bench", "vm_stack", "bench")


@dataclass(frozen=True)
class Load:
    """`clients` threads over `processes` processes, on the first `trees` trees and `hosts` hosts."""

    clients: int
    trees: int
    hosts: int
    seconds: float
    processes: int = 1


@dataclass(frozen=True)
class Rate:
    """Admissions a second and the median and 95th percentile of what one took, in milliseconds."""

    per_second: float
    median: float
    slow: float


def run(door: Door, load: Load) -> Rate:
    """Apply the load at the door. Raises RuntimeError when an admission was not admitted."""
    context = multiprocessing.get_context("spawn")
    workers = []
    for index in range(load.processes):
        mine = load.clients // load.processes + (index < load.clients % load.processes)
        ours, theirs = context.Pipe()
        worker = context.Process(target=_work, args=(door, replace(load, clients=mine), index, theirs))
        worker.start()
        workers.append((worker, ours))
    for _, pipe in workers:
        pipe.recv()
    for _, pipe in workers:
        pipe.send("go")
    times: list[float] = []
    failures: list[str] = []
    for worker, pipe in workers:
        took, failed = pipe.recv()
        times += took
        failures += failed
        worker.join()
    if failures:
        raise RuntimeError(f"{len(failures)} admissions failed, the first with: {failures[0]}")
    times.sort()
    return Rate(len(times) / load.seconds, _at(times, 0.5), _at(times, 0.95))


def request(number: random.Random, trees: int, hosts: int) -> ClaimRequest:
    """A claim of one VM and its disk: four resources."""
    claim = uuid4()
    return ClaimRequest(
        claim,
        leaf(number.randrange(trees)),
        _OWNER,
        _FINGERPRINT,
        host_id(number.randrange(hosts)),
        (
            ItemRequest("vm:web-1", "vm", "web-1", {"vms": 1, "vcpus": 1, "memory": GIB}),
            ItemRequest("disk:web-1", "disk", "web-1", {"disk": 10 * GIB}, volume=f"default/{claim}"),
        ),
    )


def _work(door: Door, load: Load, index: int, pipe: Connection) -> None:
    times: list[float] = []
    failures: list[str] = []
    with door.open() as connect:
        pipe.send("ready")
        pipe.recv()
        begin = time.perf_counter() + _WARM_UP
        end = begin + load.seconds

        def client(seed: str) -> None:
            number = random.Random(seed)
            admit = connect()
            while (start := time.perf_counter()) < end:
                try:
                    admit(request(number, load.trees, load.hosts))
                except Exception as error:  # noqa: BLE001 (whatever it was, the figure would be wrong)
                    failures.append(repr(error))
                    return
                now = time.perf_counter()
                if begin <= now < end:
                    times.append(now - start)

        threads = [threading.Thread(target=client, args=(f"{index}/{n}",)) for n in range(load.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    pipe.send((times, failures))


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else float("nan")
