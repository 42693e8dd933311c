"""A working Limen on the VMs: what its users, its neighbours and its operators meet."""

import json
from collections.abc import Callable

import pytest
from testinfra.host import Host

DOMAIN = "limen.demo.internal"
AS_ADMINISTRATOR = (
    "LIMEN_API_URL=http://127.0.0.1:18443 LIMEN_TOKEN_FILE=/etc/limen/administrator-token"
    " /opt/limen/venv/bin/limen"
)


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
    hosts = json.loads(control.check_output(f"{AS_ADMINISTRATOR} host list --json"))
    assert len(hosts) == 2, hosts
    for host in hosts:
        scanned = json.loads(control.check_output(f"{AS_ADMINISTRATOR} host scan {host['name']} --json"))
        assert scanned["reachable"], scanned
    user = control.check_output("systemctl show --property=User --value limen-api.service")
    assert user == "limen"


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
