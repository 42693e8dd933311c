"""The inventory of a hypervisor that is reached by SSH, and Ansible's way through it to what is behind."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.limen.platform.plugins.module_utils.inventory_libvirt import (
    open_connection,
    read_hypervisor,
)
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import (
    Address,
    Card,
    Machine,
)
from ansible_collections.limen.platform.plugins.module_utils.inventory_ssh import (
    Hypervisor,
    variables,
)

from tests.lab.sshd import PORT, SshServer

ANSIBLE = Path(sys.executable).parent / "ansible"
UUID = "3b0b0b7e-0000-5000-8000-000000000001"
DOMAIN = (
    f"<domain type='qemu'><name>web</name><uuid>{UUID}</uuid><memory unit='MiB'>64</memory>"
    "<os><type>hvm</type></os></domain>"
)


def test_a_hypervisor_is_read_over_ssh(elsewhere: SshServer) -> None:
    argv = ["virsh", "-q", "-c", elsewhere.lab.libvirt_uri]
    subprocess.run([*argv, "define", "/dev/stdin"], input=DOMAIN, text=True, check=True)
    try:
        machines = read_hypervisor(elsewhere.uri, "", ("lease", "arp"), open_connection)
    finally:
        subprocess.run([*argv, "undefine", "web"], check=True)
    # Stacks of other tests may have VMs on this host as well.
    found = [(machine.name, machine.uuid, machine.state) for machine in machines if machine.uuid == UUID]
    assert found == [("web", UUID, "shutoff")]


def ping(elsewhere: SshServer, folder: Path, given: dict[str, Any]) -> str:
    """What `ansible -m ping` says of a host with these variables."""
    own = {
        "ansible_port": PORT,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(elsewhere.user_key),
    }
    own |= {"ansible_ssh_extra_args": "-o StrictHostKeyChecking=accept-new -o ConnectTimeout=20"}
    own |= {"ansible_python_interpreter": sys.executable}
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"web": {**own, **given}}}}))
    done = subprocess.run(
        [str(ANSIBLE), "web", "-i", str(inventory), "-m", "ansible.builtin.ping"],
        env={**os.environ, "ANSIBLE_SSH_ARGS": "-o ControlMaster=no"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["nat", "route"])
def test_a_machine_behind_nat_is_reached_through_the_hypervisor(
    elsewhere: SshServer, tmp_path: Path, mode: str
) -> None:
    """What is behind: the port of a loopback that is not this machine's own."""
    card = Card("52:54:00:00:00:01", "lan", "virbr0", mode, [Address("127.0.0.1", "lease")])
    machine = Machine("web", UUID, "running", elsewhere.uri, "elsewhere", cards=[card])
    given = variables(machine, "127.0.0.1", Hypervisor(elsewhere.uri))
    said = ping(elsewhere, tmp_path, given)
    if mode == "route":
        assert "UNREACHABLE" in said, "there is nothing behind: this test proves nothing"
        return
    assert '"ping": "pong"' in said or "ping: pong" in said, said
    assert f"limen-{UUID}" in elsewhere.known_hosts.read_text(), "the host key goes by the address"
