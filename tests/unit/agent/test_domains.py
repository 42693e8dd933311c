"""Libvirt's statistics as values."""

import pytest

libvirt = pytest.importorskip("libvirt")
from limen.agent.collectors.domains import DomainsReading, read_domain  # noqa: E402
from limen.agent.metrics import exposition  # noqa: E402

RUNNING = {
    "state.state": 1,
    "cpu.time": 1_500_000_000,
    "vcpu.current": 1,
    "vcpu.maximum": 2,
    "vcpu.0.time": 500_000_000,
    "balloon.current": 1024,
    "balloon.maximum": 2048,
    "balloon.rss": 4096,
    "block.count": 1,
    "block.0.name": "vda",
    "block.0.rd.bytes": 10,
    "block.0.rd.times": 2_000_000_000,
    "net.count": 1,
    "net.0.name": "vnet0",
    "net.0.rx.bytes": 11,
}


def test_units() -> None:
    seen = read_domain("u", "web", "demo", "ann", RUNNING)

    assert (seen.state, seen.complete, seen.cpu_seconds, seen.vcpu_seconds) == (
        "running",
        True,
        1.5,
        {"0": 0.5},
    )
    assert (seen.memory_balloon, seen.memory_maximum, seen.memory_resident) == (2**20, 2**21, 2**22)
    assert (seen.blocks[0].read_bytes, seen.blocks[0].read_seconds, seen.blocks[0].writes) == (10, 2.0, None)
    assert seen.networks[0].received_bytes == 11


def test_a_running_domain_whose_qemu_was_passed_over_is_not_complete() -> None:
    partial = {name: value for name, value in RUNNING.items() if name != "balloon.rss"}

    assert not read_domain("u", "web", "", "", partial).complete
    assert read_domain("u", "web", "", "", {"state.state": 5}).complete


def test_labels() -> None:
    text = exposition(DomainsReading((read_domain("u", 'a"b', "demo", "ann", RUNNING),)).families()).decode()

    label = 'domain="a\\"b",uuid="u",project="demo",owner="ann"'
    assert f"limen_domain_cpu_seconds_total{{{label}}} 1.5" in text
    assert f'limen_domain_block_read_bytes_total{{{label},device="vda"}} 10' in text
    assert f'limen_domain_state{{{label},state="running"}} 1' in text
