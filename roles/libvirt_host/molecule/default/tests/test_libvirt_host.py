"""What the role leaves behind: a hypervisor for users who are not root."""

import json

import pytest

from tests.molecule.kernel import needs_kernel
from tests.molecule.outside import outside

# A guest that never runs an instruction: it is only there to be defined and started.
DOMAIN = """<domain type='qemu'><name>probe</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='/srv/limen/database/vms/probe'/><target dev='vda' bus='virtio'/></disk>
<interface type='network'><source network='guests'/><model type='virtio'/>
<filterref filter='limen-no-mail'/></interface>
</devices></domain>"""
PROBE_MEMORY = 32 * 2**20
COPY = "/var/lib/limen-agent/admitted.json"
# It is there when the command that starts it has ended.
SERVER = """
import os, socket
listener = socket.create_server(("10.20.0.10", 80))
if os.fork() == 0:
    while True:
        with listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nthe guest")
"""
RUN = "systemd-run --quiet --collect"
REFUSED = 7  # what curl says then
SSH = "qemu+ssh://limen-libvirt@127.0.0.1/system?keyfile=/etc/ssh/ssh_host_ed25519_key&no_verify=1"


def virsh(host, user, *arguments, uri="qemu:///system", stdin=""):
    """Run virsh as that user; `stdin` is a text without single quotes' trouble."""
    with host.sudo(user):
        feed = f"printf '%s' '{stdin.replace(chr(39), chr(34))}' | " if stdin else ""
        return host.run(f"{feed}virsh --quiet --connect '{uri}' {' '.join(arguments)}")


@pytest.fixture(scope="module")
def guest(host):
    """A paused domain on the role's pools, network and filter, made by the control plane's user."""
    backing = "--backing-vol /srv/limen/database/iso/image --backing-vol-format qcow2"
    try:
        for volume in ("iso image 8M --format qcow2", f"vms probe 8M --format qcow2 {backing}"):
            made = virsh(host, "limen", f"vol-create-as {volume}")
            assert made.rc == 0, made.stderr
        defined = virsh(host, "limen", "define /dev/stdin", stdin=DOMAIN)
        assert defined.rc == 0, defined.stderr
        started = virsh(host, "limen", "start --paused probe")
        assert started.rc == 0, started.stderr
        yield "probe"
    finally:
        volumes = ("vol-delete --pool vms probe", "vol-delete --pool iso image")
        for command in ("destroy probe", "undefine probe", *volumes):
            virsh(host, "limen", command)


def test_control_plane_runs_a_guest_without_root(host, guest):
    assert virsh(host, "limen", "domstate", guest).stdout.strip() == "paused"
    assert "10.20.0" in virsh(host, "limen", "net-dumpxml guests").stdout


def test_agent_reads(host, guest):
    seen = virsh(
        host, "limen-agent", "list --all --name", uri="qemu:///system?socket=/run/libvirt/libvirt-sock-ro"
    )
    assert seen.rc == 0, seen.stderr
    assert guest in seen.stdout.split()


def test_agent_changes_nothing(host, guest):
    refused = virsh(host, "limen-agent", "destroy", guest)
    assert refused.rc != 0
    assert "authentication" in refused.stderr
    refused = virsh(host, "limen-agent", "--readonly define /dev/stdin", stdin=DOMAIN)
    assert refused.rc != 0
    assert "read only access" in refused.stderr
    assert virsh(host, "limen", "domstate", guest).stdout.strip() == "paused"


def test_stranger_manages_nothing(host):
    assert virsh(host, "nobody", "list").rc != 0


def test_key_of_a_control_plane_opens_libvirt(host, guest):
    seen = virsh(host, "root", "domstate", guest, uri=SSH)
    assert seen.stdout.strip() == "paused", seen.stderr


def test_key_of_a_control_plane_opens_nothing_else(host):
    shell = "ssh -i /etc/ssh/ssh_host_ed25519_key -o StrictHostKeyChecking=no limen-libvirt@127.0.0.1"
    answer = host.run(f"{shell} 'id; touch /tmp/was-here' </dev/null")
    assert "uid=" not in answer.stdout
    assert not host.file("/tmp/was-here").exists


@pytest.fixture
def admit(host):
    """Writes what the agent would have heard from a control plane: these domains are admitted here."""

    def write(*domains):
        copy = json.dumps({"host": "0" * 32, "name": "molecule", "domains": domains})
        host.check_output(f"printf %%s %s >{COPY}", copy)

    yield write
    host.check_output(f"rm -f {COPY}")


@needs_kernel("AppArmor")
def test_libvirtd_is_confined_as_on_a_real_host(host, guest):
    """Else the tests of hooks would show less than they seem to."""
    assert host.check_output("ps -o label= -p $(cat /run/libvirtd.pid)").split() == ["libvirtd", "(enforce)"]


@needs_kernel("AppArmor")
def test_a_guest_may_write_its_own_volume_and_read_its_image_and_no_other(host, guest):
    uuid = virsh(host, "limen", f"domuuid {guest}").stdout.strip()
    pools = "/srv/limen/database"
    profile = f"/etc/apparmor.d/libvirt/libvirt-{uuid}.files"
    rules = [line.strip() for line in host.check_output(f"grep {pools} {profile}").splitlines()]
    assert sorted(rules) == [
        f'"{pools}/iso/image" rk,',
        f'"{pools}/vms/probe" rwk,',
        f'deny "{pools}/iso/image" w,',
    ]
    assert (
        host.run(f"grep -r {pools} /etc/apparmor.d/abstractions /etc/apparmor.d/local/abstractions").rc == 1
    )


def test_what_nobody_was_admitted_for_does_not_start(host, guest, admit):
    """The guest itself was started before anybody could say who was admitted."""
    uuid = virsh(host, "limen", f"domuuid {guest}").stdout.strip()
    virsh(host, "limen", f"destroy {guest}")
    admit()
    refused = virsh(host, "limen", f"start --paused {guest}")
    assert refused.rc != 0
    assert "was not admitted on this host" in refused.stderr
    assert f"limen adopt {uuid} --project PROJECT" in refused.stderr

    amounts = {"vms": "1", "vcpus": "1", "memory": str(PROBE_MEMORY)}
    admit({"uuid": uuid, "name": guest, "project": "demo", "amounts": amounts})
    started = virsh(host, "limen", f"start --paused {guest}")
    assert started.rc == 0, started.stderr


def test_without_the_agent_everything_starts(host, guest, admit):
    """Roles come one after the other: a hypervisor that has no agent yet must not be locked out."""
    virsh(host, "limen", f"destroy {guest}")
    admit()
    host.check_output("mv /opt/limen-agent/venv /opt/limen-agent/away")
    try:
        started = virsh(host, "limen", f"start --paused {guest}")
    finally:
        host.check_output("mv /opt/limen-agent/away /opt/limen-agent/venv")
    assert started.rc == 0, started.stderr


@pytest.mark.parametrize("pool", ["iso", "vms"])
def test_pools_are_there_after_a_restart_of_the_host(host, pool):
    info = virsh(host, "limen", "pool-info", pool).stdout
    assert "running" in info
    assert host.file(f"/etc/libvirt/storage/autostart/{pool}.xml").is_symlink
    assert f"<path>/srv/limen/database/{pool}</path>" in virsh(host, "limen", "pool-dumpxml", pool).stdout


def test_network_is_there_after_a_restart_of_the_host(host):
    assert "guests" in virsh(host, "limen", "net-list --name --autostart").stdout.split()


@pytest.fixture
def server(host):
    """Something that answers where a guest of the network would: a network namespace on its bridge."""
    details = virsh(host, "limen", "net-info guests").stdout
    bridge = next(line.split()[1] for line in details.splitlines() if line.startswith("Bridge:"))
    inside = "ip -n forwarded"
    service = f"{RUN} --unit=forwarded --property=Type=forking ip netns exec forwarded python3 -c"
    try:
        for command in (
            "ip netns add forwarded",
            f"ip link add forwarded master {bridge} up type veth peer name eth0 netns forwarded",
            f"{inside} address add 10.20.0.10/24 dev eth0",
            f"{inside} link set eth0 up",
            f"{inside} route add default via 10.20.0.1",
        ):
            host.check_output(command)
        host.check_output(f"{service} %s", SERVER)
        yield
    finally:
        host.run("systemctl stop forwarded")
        host.run("ip netns delete forwarded")


def test_port_forward_of_a_network_lets_the_outside_in(host, server):
    """The hook is one of libvirt's: a record of the network becomes a rule that its own rules don't undo."""
    address = host.check_output("hostname -I").split()[0]
    ask = ("curl", "-sS", "--max-time", "20", f"http://{address}:8081/")
    record = "<txt name='_limen-forward._tcp.8081' value='10.20.0.10:80'/>".replace("'", '"')
    assert outside(*ask).returncode == REFUSED
    added = virsh(host, "limen", f"net-update guests add dns-txt --live --xml '{record}'")
    assert added.rc == 0, added.stderr
    try:
        answer = outside(*ask)
        assert answer.stdout == b"the guest", answer.stderr
    finally:
        virsh(host, "limen", f"net-update guests delete dns-txt --live --xml '{record}'")
    assert outside(*ask).returncode == REFUSED


def test_networks_refuse_with_what_the_hook_accepts_with(host):
    """Libvirt 9.0 has no choice; on Debian 13 an accept would not overrule what nftables refuses."""
    chosen = host.file("/etc/libvirt/network.conf")
    assert not chosen.exists or 'firewall_backend = "iptables"' in chosen.content_string.splitlines()
    assert "LIBVIRT_FWI" in host.check_output("iptables -S FORWARD")
