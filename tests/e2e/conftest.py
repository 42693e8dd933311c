"""What `make provision` made, seen from inside its VMs; `make verify` runs these tests."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

# `make verify` looks at the VMs of `make up`, `python -m tests.site` at machines of its own.
INVENTORY = os.environ.get("LIMEN_INVENTORY", Path(__file__).resolve().parents[2] / "inventories" / "lab")


def plain(value: Any) -> Any:
    """A variable of a host; what guests and tenants wrote is marked in the inventory's JSON."""
    return value["__ansible_unsafe"] if isinstance(value, dict) and "__ansible_unsafe" in value else value


@pytest.fixture(scope="session")
def machines() -> Callable[[str], list[Host]]:
    """The hosts of a group of the lab's inventory, reached as root."""
    if "LIMEN_SSH_CONFIG" not in os.environ:
        pytest.fail("there are no VMs to look at: run `make up`, `make provision`, then `make verify`")
    listed = subprocess.run(
        ["ansible-inventory", "-i", str(INVENTORY), "--list"], capture_output=True, text=True, check=True
    )
    inventory = json.loads(listed.stdout)

    def of_group(group: str) -> list[Host]:
        found = []
        for name in inventory[group]["hosts"]:
            variables = inventory["_meta"]["hostvars"][name]
            address = f"ssh://debian@{plain(variables['ansible_host'])}"
            found.append(testinfra.get_host(address, ssh_config=os.environ["LIMEN_SSH_CONFIG"], sudo=True))
        return found

    return of_group


@pytest.fixture(scope="session")
def control(machines: Callable[[str], list[Host]]) -> Host:
    """The machine with the control plane."""
    return machines("control_plane")[0]


@pytest.fixture(scope="session")
def neighbour(machines: Callable[[str], list[Host]], control: Host) -> Host:
    """The other machine, which sees of the first what the network lets it see."""
    name = control.backend.get_hostname()
    return next(host for host in machines("libvirt_hosts") if host.backend.get_hostname() != name)


@pytest.fixture(scope="session")
def address(control: Host) -> str:
    """The control plane's address in the guests' network."""
    return str(control.check_output("hostname -I").split()[0])
