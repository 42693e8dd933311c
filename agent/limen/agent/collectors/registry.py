"""The collectors of the machine itself, by the name that options, metrics and documents give them."""

from collections.abc import Callable, Mapping

from limen.agent.collectors.collector import Collector
from limen.agent.collectors.cpu import CpuCollector
from limen.agent.collectors.disks import DisksCollector
from limen.agent.collectors.filesystems import FilesystemsCollector
from limen.agent.collectors.interfaces import InterfacesCollector
from limen.agent.collectors.load import LoadCollector
from limen.agent.collectors.memory import MemoryCollector
from limen.agent.collectors.pressure import PressureCollector
from limen.agent.collectors.process import ProcessCollector
from limen.agent.collectors.swap import SwapCollector
from limen.agent.collectors.uptime import UptimeCollector

HOST: Mapping[str, Callable[[], Collector]] = {
    "cpu": CpuCollector,
    "load": LoadCollector,
    "memory": MemoryCollector,
    "swap": SwapCollector,
    "filesystems": FilesystemsCollector,
    "disks": DisksCollector,
    "interfaces": InterfacesCollector,
    "pressure": PressureCollector,
    "uptime": UptimeCollector,
    "process": ProcessCollector,
}
