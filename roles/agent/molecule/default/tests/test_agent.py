"""limen-agent answers its readers over HTTPS, confined, with figures of the host and of its VMs."""

import json

import pytest
from testinfra.host import Host

from tests.molecule.kernel import needs_kernel

FETCH = """
import ssl, sys, urllib.error, urllib.request
address, path, token = sys.argv[1:]
trusted = ssl.create_default_context(cafile="/etc/limen/agents/authority.pem")
asked = urllib.request.Request(f"https://{address}:9000{path}", headers={"Authorization": f"Bearer {token}"})
try:
    print(urllib.request.urlopen(asked, context=trusted).read().decode())
except urllib.error.HTTPError as error:
    sys.exit(f"refused: {error.code}")
"""
TOKEN = "of-this-test"
DOMAIN = (
    "<domain type='qemu'><name>probe</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>"
    "<os><type arch='x86_64'>hvm</type></os></domain>"
)


def address_of(host: Host) -> str:
    return str(host.check_output("hostname -I")).split()[0]


def get(host: Host, path: str) -> str:
    """What it answers at a path, with a certificate that is good; raises AssertionError where it does not."""
    return str(host.check_output("python3 -c %s %s %s %s", FETCH, address_of(host), path, TOKEN))


@pytest.fixture(scope="module")
def metrics(host: Host) -> str:
    host.check_output("printf %%s %s >/tmp/probe.xml", DOMAIN)
    host.check_output("virsh --connect qemu:///system define /tmp/probe.xml")
    return get(host, "/metrics")


def test_it_runs_at_boot_as_its_user(host: Host) -> None:
    service = host.service("limen-agent")
    assert service.is_running
    assert service.is_enabled
    process = host.check_output("systemctl show --property MainPID --value limen-agent")
    assert host.check_output("ps -o user:32= -p %s", process) == "limen-agent"
    assert json.loads(get(host, "/healthz"))["status"] == "ok"


def test_it_listens_where_it_was_told_and_answers_who_shows_the_token(host: Host) -> None:
    address = address_of(host)
    assert host.socket(f"tcp://{address}:9000").is_listening
    assert not host.socket("tcp://127.0.0.1:9000").is_listening
    refused = host.run("python3 -c %s %s %s %s", FETCH, address, "/metrics", "guess")
    assert "refused: 401" in refused.stderr


def test_its_secrets_are_its_own_and_systemd_keeps_strangers_off(host: Host) -> None:
    for name in ("agent-key.pem", "agent-read-token"):
        file = host.file(f"/etc/limen/{name}")
        assert (file.user, file.group, file.mode) == ("root", "limen-agent", 0o640)
    allowed = host.check_output("systemctl show --property IPAddressAllow --value limen-agent").split()
    assert {each.partition("/")[0] for each in allowed} == {
        "127.0.0.0",
        "::1",
        address_of(host),
        "192.0.2.1",
    }


def test_every_collector_works_under_confinement(metrics: str) -> None:
    outcomes = [line for line in metrics.splitlines() if line.startswith("limen_agent_collector_success{")]
    assert len(outcomes) > 5
    assert [line for line in outcomes if not line.endswith(" 1")] == []


@needs_kernel("a container's root is an overlay, no file system of a disk")
def test_it_tells_the_space_of_the_root_file_system(host: Host, metrics: str) -> None:
    [line] = [
        line
        for line in metrics.splitlines()
        if line.startswith("node_filesystem_size_bytes{") and 'mountpoint="/"' in line
    ]
    blocks, size = host.check_output("stat --file-system --format '%b %S' /").split()
    assert float(line.rpartition(" ")[2]) == int(blocks) * int(size)


def test_it_sees_a_vm_over_the_read_only_socket(metrics: str) -> None:
    assert any('domain="probe"' in line for line in metrics.splitlines())


def test_systemd_calls_the_unit_well_confined(host: Host) -> None:
    last = host.check_output("systemd-analyze security --no-pager limen-agent.service").splitlines()[-1]
    assert float(last.split(":")[1].split()[0]) <= 1.5, last


def test_it_ends_at_once(host: Host) -> None:
    host.check_output("systemctl stop limen-agent")
    try:
        log = host.check_output("journalctl --no-pager --output cat --lines 20 --unit limen-agent")
        assert "timed out" not in log
        assert "Deactivated successfully" in log
    finally:
        host.check_output("systemctl start limen-agent")
