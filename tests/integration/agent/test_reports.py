"""What happens on a host with an agent is charged and named within seconds, and survives what goes wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent.test_start_hook import MIB, Domain
from tests.lab.processes import wait_until
from tests.world.agent import HostAgent
from tests.world.world import World

# An event, a scan, a report: seconds on an idle machine; emulated guests of others share this one.
SECONDS = 60.0


@pytest.fixture
def domain(guarded: World, tmp_path: Path) -> Iterator[Domain]:
    made = Domain(guarded, tmp_path)
    yield made
    made.remove()


def findings(world: World, kind: str) -> dict[str, dict[str, Any]]:
    """What reconciliation names, by identity; nothing is scanned for it."""
    found = world.client.get_findings()["findings"]
    return {each["identity"]: each for each in found if each["kind"] == kind}


def reports(agent: HostAgent) -> int:
    return len(agent.events("reported"))


def test_what_starts_larger_than_claimed_is_charged_and_named_by_events_alone(
    guarded: World, host_agent: HostAgent, domain: Domain
) -> None:
    # QEMU starts a guest with its whole ceiling, and this one gives nothing back.
    domain.define("ceiling", 32, ceiling=64).adopt()
    assert guarded.usage()["memory"] == 32 * MIB
    assert domain.start() == ""
    wait_until(lambda: guarded.usage()["memory"] == 64 * MIB, SECONDS, "charged for the ceiling")
    assert findings(guarded, "drift")[domain.uuid]["observed"]["memory"] == str(64 * MIB)
    assert guarded.client.list_audit(limit=1)[0]["actor"].startswith("agent of ")


def test_a_hot_plugged_disk_is_named_by_events_alone(
    guarded: World, host_agent: HostAgent, domain: Domain
) -> None:
    domain.define("plugged").adopt()
    assert domain.start() == ""
    volume = f"{domain.uuid}-more.raw"
    guarded.virsh("vol-create-as", "default", volume, "2MiB", "--format", "raw")
    try:
        path = guarded.virsh("vol-path", volume, "--pool", "default").strip()
        guarded.virsh("attach-disk", domain.uuid, path, "vdb", "--subdriver", "raw", "--live")
        found = wait_until(
            lambda: findings(guarded, "orphan").get(f"default/{volume}"), SECONDS, "the disk is named"
        )
        assert found["observed"] == {"disk": str(2 * MIB)}
    finally:
        guarded.refused("destroy", domain.uuid)
        guarded.virsh("vol-delete", volume, "--pool", "default")


def test_a_change_that_libvirt_tells_nobody_of_is_seen_by_the_next_scan(
    guarded: World, scanning_agent: HostAgent, domain: Domain
) -> None:
    domain.define("grown", 64).adopt()
    guarded.virsh("setmaxmem", domain.uuid, "80MiB", "--config")
    guarded.virsh("setmem", domain.uuid, "80MiB", "--config")
    wait_until(lambda: guarded.usage()["memory"] == 80 * MIB, SECONDS, "charged for what it grew to")
    assert domain.uuid in findings(guarded, "drift")
    said = domain.start()
    assert "80MiB memory instead of 64MiB" in said


def test_a_control_plane_that_is_away_is_logged_once_and_found_again(
    guarded: World, scanning_agent: HostAgent, domain: Domain
) -> None:
    scanning_agent.stop()
    guarded.authority.down()
    try:
        scanning_agent.launch()
        wait_until(lambda: len(scanning_agent.events("not reported")) >= 3, SECONDS, "three attempts")
        assert len(scanning_agent.events("host not reported, what limen-api saw last stands")) == 1
    finally:
        guarded.authority.up()
    wait_until(lambda: scanning_agent.events("reports arrive again"), SECONDS, "reports again")


def test_a_killed_agent_leaves_its_copy_and_limen_api_scans_on_request(
    guarded: World, scanning_agent: HostAgent, domain: Domain
) -> None:
    before = reports(scanning_agent)
    domain.define("kept").adopt()
    wait_until(lambda: domain.uuid in scanning_agent.copy.read_text(), SECONDS, "the copy knows it")
    assert reports(scanning_agent) > before
    scanning_agent.kill()
    guarded.virsh("setmem", domain.uuid, "16MiB", "--config")
    guarded.client.scan_host(guarded.host)
    assert findings(guarded, "drift")[domain.uuid]["observed"]["memory"] == str(16 * MIB)
    assert domain.start() == ""
