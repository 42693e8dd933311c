"""VMs that are as declared already: one task of limen.platform.vm with a list, beside what else does it.

In the same run, on the same VMs: a loop over community.libvirt.virt, which defines each from its XML, and a
bare libvirt-python script that reads what the module reads, plus an empty task of Ansible. Exit code 3 if the
module is not at least 20 times as fast as the loop, or takes more than 1.3 times the script plus one empty
task.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.admissions import MISSED
from tests.integration.ansible.runner import TaskResult, run_playbook
from tests.lab.demo.shell import StepFailed
from tests.lab.errors import LabError
from tests.world.world import World, world

LEAST_FASTER = 20.0
MOST_OF_BARE = 1.3
SECONDS = 1800.0
RESOURCES = ("vms", "vcpus", "memory", "disk")
NETWORK = "bench"
LIMITS = dict.fromkeys(RESOURCES, "unlimited")

# Reads, and parses as anyone has to who compares: both definitions, states, disks' sizes, autostart.
BARE = """
import sys
import xml.etree.ElementTree as ET

import libvirt

names = set(sys.argv[2:])
host = libvirt.open(sys.argv[1])
stats = host.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_BLOCK, 0)
autostart = host.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
persistent = host.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
uuid = ET.fromstring(host.getCapabilities()).findtext("host/uuid")
read = 0
for domain, values in stats:
    if domain.name() in names:
        ET.fromstring(domain.XMLDesc(0))
        ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        read += 1
assert read == len(names)
"""


def say(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


def declared(count: int) -> list[dict[str, Any]]:
    """The VMs: each with two disks and a card."""
    disks = [{"name": name, "size": "1MiB"} for name in ("root", "data")]
    cards = [{"network": NETWORK}]
    return [{"name": f"bench-{number}", "disks": disks, "networks": cards} for number in range(count)]


class Ground:
    """A world with the VMs in it, and what is timed there."""

    def __init__(self, made: World, folder: Path, count: int) -> None:
        self._world = made
        self._folder = folder
        self.vms = declared(count)
        network = folder / "network.xml"
        network.write_text(f"<network><name>{NETWORK}</name><bridge name='bench0'/></network>")
        made.virsh("net-define", str(network))
        made.virsh("net-start", NETWORK)

    def module(self, name: str) -> dict[str, Any]:
        """The one task that declares them all."""
        # Paused guests are up, and cost nothing but their memory.
        options = {"project": "demo", "state": "paused", "vcpus": 1, "memory": "64MiB"}
        return {"name": name, "limen.platform.vm": {**options, "vms": self.vms}}

    def loop(self, name: str) -> dict[str, Any]:
        """The loop that declares them one by one, each by the XML that libvirt shows of it."""
        xml = [self._world.virsh("dumpxml", "--inactive", vm["name"]) for vm in self.vms]
        options = {"command": "define", "xml": "{{ item }}", "uri": self._world.uri}
        control = {"label": "{{ ansible_loop.index0 }}", "extended": True}
        return {"name": name, "community.libvirt.virt": options, "loop": xml, "loop_control": control}

    def play(self, tasks: list[dict[str, Any]]) -> list[TaskResult]:
        """Results of these tasks, each with the seconds it took."""
        playbook = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
        environment = self._world.environment
        run = run_playbook(playbook, environment=environment, folder=self._folder, seconds=SECONDS)
        return run.require().tasks

    def bare(self) -> float:
        """Seconds of the script, Python's start included."""
        names = [vm["name"] for vm in self.vms]
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", BARE, self._world.uri, *names], check=True)
        return time.perf_counter() - started


def measure(ground: Ground, runs: int) -> dict[str, float]:
    """Median seconds of each contestant; the loop is run once, since it takes long enough."""
    (made,) = ground.play([ground.module("make")])
    say(f"making {len(ground.vms)} VMs: {made.seconds:.1f} s")
    empty = {"name": "empty", "ansible.builtin.ping": None}
    # A first one of each warms up.
    tasks = [each for _run in range(runs + 1) for each in (empty, ground.module("module"))]
    results = ground.play(tasks)
    assert not any(task.changed for task in results), "the VMs are not as declared"
    bare = [ground.bare() for _run in range(runs + 1)][1:]
    (loop,) = ground.play([ground.loop("loop")])
    assert not loop.changed, "community.libvirt.virt found the VMs not as declared"
    seconds = {
        name: statistics.median([task.seconds for task in results if task.name == name][1:])
        for name in ("empty", "module")
    }
    return {**seconds, "bare": statistics.median(bare), "loop": loop.seconds}


def main() -> int:
    """Print the figures; exit code 0, MISSED if a target was missed, 1 if something failed."""
    arguments = argparse.ArgumentParser(prog="python3 -m tests.bench.ansible_vm", description=__doc__)
    arguments.add_argument("--vms", type=int, default=100, help="how many VMs (default: 100)")
    arguments.add_argument("--runs", type=int, default=5, help="runs of each, the loop apart (default: 5)")
    chosen = arguments.parse_args()
    try:
        with world(limits=LIMITS) as made, tempfile.TemporaryDirectory() as folder:
            seconds = measure(Ground(made, Path(folder), chosen.vms), chosen.runs)
    except (LabError, StepFailed, AssertionError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    say(f"{chosen.vms} VMs that are as declared (medians)")
    for name, what in (
        ("loop", "loop over community.libvirt.virt"),
        ("module", "one task of limen.platform.vm"),
        ("bare", "bare libvirt-python script"),
        ("empty", "empty task"),
    ):
        say(f"  {what}: {seconds[name]:.2f} s")
    faster = seconds["loop"] / seconds["module"]
    of_bare = (seconds["module"] - seconds["empty"]) / seconds["bare"]
    say(f"ratio of the loop to the module: {faster:.1f} (at least {LEAST_FASTER:g})")
    say(f"ratio of the module, less an empty task, to the script: {of_bare:.2f} (at most {MOST_OF_BARE:g})")
    return 0 if faster >= LEAST_FASTER and of_bare <= MOST_OF_BARE else MISSED


if __name__ == "__main__":
    sys.exit(main())
