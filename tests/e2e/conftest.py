"""What `make provision` made, seen from inside its VMs; `make verify` runs these tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

INVENTORY = Path(__file__).resolve().parents[2] / "inventories" / "lab"


@pytest.fixture(scope="session")
def machines() -> Callable[[str], list[Host]]:
    """The hosts of a group of the lab's inventory, reached as root."""
    if "LIMEN_LIBVIRT_URI" not in os.environ:
        pytest.fail("there are no VMs to look at: run `make up`, `make provision`, then `make verify`")

    def of_group(group: str) -> list[Host]:
        found: list[Host] = testinfra.get_hosts(
            [f"ansible://{group}"], ansible_inventory=str(INVENTORY), sudo=True
        )
        assert found, f"the inventory has no host in {group}"
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
