"""Traffic of the host's network interfaces."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from limen.agent.metrics import Family, counter, labels


@dataclass(frozen=True)
class InterfaceReading:
    """Counters of one interface since it was made."""

    device: str
    received_bytes: int
    received_packets: int
    receive_errors: int
    receive_drops: int
    sent_bytes: int
    sent_packets: int
    send_errors: int
    send_drops: int


@dataclass(frozen=True)
class InterfacesReading:
    interfaces: tuple[InterfaceReading, ...]

    def families(self) -> Iterable[Family]:
        columns = (
            ("receive_bytes", "received_bytes"),
            ("receive_packets", "received_packets"),
            ("receive_errs", "receive_errors"),
            ("receive_drop", "receive_drops"),
            ("transmit_bytes", "sent_bytes"),
            ("transmit_packets", "sent_packets"),
            ("transmit_errs", "send_errors"),
            ("transmit_drop", "send_drops"),
        )
        held = [(labels(device=each.device), each) for each in self.interfaces]
        for name, attribute in columns:
            family = counter(f"node_network_{name}_total", f"Network device statistic {name}.")
            for label, each in held:
                family.add(getattr(each, attribute), label)
            yield family


class InterfacesCollector:
    def collect(self) -> InterfacesReading:
        seen = psutil.net_io_counters(pernic=True, nowrap=False)
        return InterfacesReading(
            tuple(
                InterfaceReading(
                    device=name,
                    received_bytes=each.bytes_recv,
                    received_packets=each.packets_recv,
                    receive_errors=each.errin,
                    receive_drops=each.dropin,
                    sent_bytes=each.bytes_sent,
                    sent_packets=each.packets_sent,
                    send_errors=each.errout,
                    send_drops=each.dropout,
                )
                for name, each in sorted(seen.items())
            )
        )
