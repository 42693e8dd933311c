"""What limen-api counts, in a registry of its own."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_ADMISSION_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
PoolStats = Callable[[], Mapping[str, int]]


class Metrics:
    """The metrics of one process; pass it to whoever counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "limen_http_requests", "Requests", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "limen_http_request_seconds", "Time to answer", ["route"], registry=self.registry
        )
        self.admissions = Counter(
            "limen_admissions", "Changes of claims by outcome", ["outcome"], registry=self.registry
        )
        self.admission_seconds = Histogram(
            "limen_admission_seconds",
            "Time that a change of a claim took, waiting for locks included",
            buckets=_ADMISSION_BUCKETS,
            registry=self.registry,
        )
        self.scans = Counter("limen_scans", "Scans of hosts", ["host", "outcome"], registry=self.registry)
        self.reports = Counter(
            "limen_reports", "Scans that hosts' agents reported", ["host"], registry=self.registry
        )
        self.scan_seconds = Histogram(
            "limen_scan_seconds", "Time that a scan took", ["host"], registry=self.registry
        )
        self.host_up = Gauge(
            "limen_host_up", "1 while the host answers its scans", ["host"], registry=self.registry
        )
        self.host_scanned = Gauge(
            "limen_host_scanned_timestamp_seconds",
            "When the last successful scan began",
            ["host"],
            registry=self.registry,
        )

    def note_report(self, host: str) -> None:
        """The host's agent has reported a scan."""
        self.reports.labels(host).inc()
        self.host_up.labels(host).set(1)
        self.host_scanned.labels(host).set_to_current_time()

    def watch_pool(self, stats: PoolStats) -> None:
        """Export the database pool's own figures at each scrape."""
        self.registry.register(_PoolCollector(stats))

    def text(self) -> bytes:
        """Prometheus text format."""
        return generate_latest(self.registry)


class _PoolCollector(Collector):
    def __init__(self, stats: PoolStats) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        figures = self._stats()
        family = GaugeMetricFamily("limen_database_pool", "Connections of the pool", labels=["state"])
        family.add_metric(["open"], figures.get("pool_size", 0))
        family.add_metric(["idle"], figures.get("pool_available", 0))
        family.add_metric(["waiting"], figures.get("requests_waiting", 0))
        yield family
