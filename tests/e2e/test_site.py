"""A working Limen on the VMs: what its users, its neighbours and its operators meet."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from testinfra.host import Host

DOMAIN = "limen.demo.internal"
AS_ADMINISTRATOR = (
    "LIMEN_API_URL=http://127.0.0.1:18443 LIMEN_TOKEN_FILE=/etc/limen/administrator-token"
    " /opt/limen/venv/bin/limen"
)
LIST_HOSTS = f"{AS_ADMINISTRATOR} host list --json"
VIRSH = "virsh --quiet --connect qemu:///system"


def fetch(host: Host, address: str, url: str, *options: str) -> tuple[int, str]:
    """Status and body of a request to the reverse proxy, from another machine; 0 where nothing answers."""
    scheme, _, rest = url.partition("://")
    port = 443 if scheme == "https" else 80
    name = rest.partition("/")[0]
    code = (
        "import http.client, json, socket, ssl, sys\n"
        "scheme, name, address, port, path, headers = json.loads(sys.argv[1])\n"
        "context = ssl._create_unverified_context()\n"
        "raw = socket.create_connection((address, port), 10)\n"
        "sock = context.wrap_socket(raw, server_hostname=name) if scheme == 'https' else raw\n"
        "connection = http.client.HTTPConnection(name)\n"
        "connection.sock = sock\n"
        "connection.request('GET', path, headers=headers)\n"
        "answer = connection.getresponse()\n"
        "print(json.dumps([answer.status, dict(answer.getheaders()), answer.read().decode()]))\n"
    )
    headers = dict(option.split(": ", 1) for option in options)
    path = "/" + rest.partition("/")[2]
    wanted = json.dumps([scheme, name, address, port, path, headers])
    done = host.run("python3 -c %s %s", code, wanted)
    if done.rc != 0:
        return 0, str(done.stderr)
    status, seen, body = json.loads(done.stdout)
    return status, json.dumps({"headers": seen, "body": body})


def test_the_authority_answers_over_https_by_name(neighbour: Host, address: str) -> None:
    status, answer = fetch(neighbour, address, f"https://{DOMAIN}/readyz")
    assert status == 200, answer
    assert "Strict-Transport-Security" in json.loads(answer)["headers"]


def test_plain_http_is_sent_to_https(neighbour: Host, address: str) -> None:
    status, answer = fetch(neighbour, address, f"http://{DOMAIN}/api/whoami")
    assert status in (301, 308), answer
    assert json.loads(answer)["headers"]["Location"] == f"https://{DOMAIN}/api/whoami"


def test_nobody_gets_in_without_a_token(neighbour: Host, address: str) -> None:
    status, answer = fetch(neighbour, address, f"https://{DOMAIN}/api/whoami")
    assert status == 401, answer
    assert json.loads(json.loads(answer)["body"])["code"] == "unauthenticated"


@pytest.mark.parametrize("port", [5432, 18443, 9000])
def test_nothing_else_of_the_control_plane_is_open(neighbour: Host, address: str, port: int) -> None:
    tried = neighbour.run("timeout 5 bash -c %s", f"</dev/tcp/{address}/{port}")
    assert tried.rc != 0


def test_both_hypervisors_are_registered_and_reached_without_root(control: Host) -> None:
    hosts = json.loads(control.check_output(LIST_HOSTS))
    assert len(hosts) == 2, hosts
    for host in hosts:
        scanned = json.loads(control.check_output(f"{AS_ADMINISTRATOR} host scan {host['name']} --json"))
        assert scanned["reachable"], scanned
    user = control.check_output("systemctl show --property=User --value limen-api.service")
    assert user == "limen"


@pytest.fixture(scope="module")
def hypervisors(control: Host, machines: Callable[[str], list[Host]]) -> dict[str, Host]:
    """The machines by the names under which they are registered."""
    names = {each["id"]: each["name"] for each in json.loads(control.check_output(LIST_HOSTS))}
    found = {}
    for host in machines("libvirt_hosts"):
        capabilities = ET.fromstring(host.check_output(f"{VIRSH} capabilities"))  # noqa: S314  libvirt's
        found[names[capabilities.findtext("host/uuid")]] = host
    return found


def test_each_hypervisor_is_observed_by_its_own_agent(control: Host, hypervisors: dict[str, Host]) -> None:
    hosts = {each["name"]: each for each in json.loads(control.check_output(LIST_HOSTS))}
    for name in hypervisors:
        assert hosts[name]["reported"], f"the agent of {name} has not reported"


def test_the_agents_token_is_its_own_and_roots(hypervisors: dict[str, Host]) -> None:
    tokens = set()
    for host in hypervisors.values():
        file = host.file("/etc/limen/agent-token")
        assert (file.user, file.group, file.mode) == ("root", "limen-agent", 0o640)
        tokens.add(file.content_string)
    assert len(tokens) == len(hypervisors)


@pytest.fixture(params=[0, 1], ids=["beside-the-control-plane", "elsewhere"])
def stranger(
    request: pytest.FixtureRequest, control: Host, hypervisors: dict[str, Host]
) -> Iterator[tuple[str, Host, str]]:
    """Name of a hypervisor, the hypervisor, and the UUID of a domain on it that nobody asked for."""
    beside = control.backend.get_hostname()
    order = sorted(hypervisors, key=lambda name: hypervisors[name].backend.get_hostname() != beside)
    name, uuid = order[request.param], str(uuid4())
    host = hypervisors[name]
    domain = (
        f"<domain type='qemu'><name>stranger</name><uuid>{uuid}</uuid><memory unit='MiB'>32</memory>"
        "<vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os></domain>"
    )
    host.check_output("printf %%s %s >/tmp/stranger.xml", domain)
    host.check_output(f"{VIRSH} define /tmp/stranger.xml")
    yield name, host, uuid
    host.run(f"{VIRSH} destroy {uuid}")
    host.check_output(f"{VIRSH} undefine {uuid}")
    for claim in json.loads(control.check_output(f"{AS_ADMINISTRATOR} claim list --json")):
        if claim["project"] == "strangers":
            control.check_output(f"{AS_ADMINISTRATOR} claim release {claim['id']} --yes")


def test_a_domain_starts_once_somebody_is_charged_for_it(
    control: Host, stranger: tuple[str, Host, str]
) -> None:
    name, host, uuid = stranger
    refused = host.run(f"{VIRSH} start --paused {uuid}")
    assert refused.rc != 0
    assert "was not admitted on this host" in refused.stderr
    assert f"limen adopt {uuid}" in refused.stderr
    assert "limen-api" not in refused.stderr, "the control plane was asked, and it answered"

    control.check_output(f"{AS_ADMINISTRATOR} project create --if-missing strangers")
    control.check_output(f"{AS_ADMINISTRATOR} quota set strangers vms=2 memory=64MiB vcpus=2 disk=1GiB")
    control.check_output(f"{AS_ADMINISTRATOR} adopt {uuid} --project strangers --host {name}")
    started = host.run(f"{VIRSH} start --paused {uuid}")
    assert started.rc == 0, started.stderr


@pytest.mark.parametrize("beside", [True, False], ids=["beside-the-control-plane", "elsewhere"])
def test_an_agent_answers_through_the_control_plane(
    control: Host, hypervisors: dict[str, Host], beside: bool
) -> None:
    own = control.backend.get_hostname()
    [name] = [name for name, host in hypervisors.items() if (host.backend.get_hostname() == own) == beside]
    code = (
        "import sys, urllib.request as r\n"
        "token = open('/etc/limen/administrator-token').read().strip()\n"
        "asked = r.Request(sys.argv[1], headers={'Authorization': 'Bearer ' + token})\n"
        "print(r.urlopen(asked, timeout=30).read().decode())\n"
    )
    url = f"http://127.0.0.1:18443/agent/{name}/metrics"
    # What an emulated limen-api tells too late for one scrape is in a later one.
    for _ in range(5):
        metrics = control.check_output("python3 -c %s %s", code, url).splitlines()
        outcomes = [line for line in metrics if line.startswith("limen_agent_collector_success{")]
        failed = [line for line in outcomes if not line.endswith(" 1")]
        if not failed:
            break
    assert outcomes
    assert failed == []
    assert any(line.startswith("node_cpu_seconds_total{") for line in metrics)


def test_an_agent_elsewhere_knows_its_readers(control: Host, hypervisors: dict[str, Host]) -> None:
    own = control.backend.get_hostname()
    [agent] = [host for host in hypervisors.values() if host.backend.get_hostname() != own]
    address = str(agent.check_output("hostname -I").split()[0])
    request = f"https://{address}:9000/metrics"
    code = (
        "import ssl, sys, urllib.error, urllib.request as r\n"
        "trusted = ssl.create_default_context(cafile='/etc/limen/agents/authority.pem')\n"
        "try:\n"
        "    print(r.urlopen(sys.argv[1], timeout=30, context=trusted).status)\n"
        "except urllib.error.HTTPError as error:\n"
        "    print(error.code)\n"
    )
    # Its certificate is good for its address, and who shows no token gets nothing.
    assert control.check_output("python3 -c %s %s", code, request) == "401"
    for file in ("agent-key.pem", "agent-read-token"):
        assert agent.file(f"/etc/limen/{file}").mode == 0o640
    assert not agent.file("/etc/limen/agents/authority.key").exists


def test_a_request_is_decided_with_its_arithmetic(control: Host) -> None:
    control.check_output(f"{AS_ADMINISTRATOR} project create --if-missing site-test")
    control.check_output(f"{AS_ADMINISTRATOR} quota set site-test vms=1 memory=1GiB vcpus=1")
    fits = control.run(f"{AS_ADMINISTRATOR} quota explain site-test vms=1 memory=512MiB")
    assert fits.rc == 0, fits.stdout
    denied = control.run(f"{AS_ADMINISTRATOR} quota explain site-test vms=2 memory=2GiB")
    assert denied.rc == 3
    assert "project site-test may not use 2GiB more memory" in denied.stdout


def test_pools_are_there_for_who_manages_them(machines: Callable[[str], list[Host]]) -> None:
    for host in machines("libvirt_hosts"):
        pools = host.check_output("virsh --connect qemu:///system pool-list --name").split()
        assert {"iso", "vms"} <= set(pools)


def test_an_operator_finds_pulumi_with_its_plugins(control: Host) -> None:
    version = control.check_output("sudo -u debian -H pulumi version")
    assert version.startswith("v3.")
    plugins = control.check_output("sudo -u debian -H pulumi plugin ls")
    assert "libvirt" in plugins
    assert "limen" in plugins


def test_backups_are_scheduled_and_one_can_be_taken(control: Host) -> None:
    assert control.service("limen-backup.timer").is_enabled
