"""The inventory that site.yml is proven on."""

import json
from pathlib import Path

from tests.site import inventory

MACHINES = [
    {"name": f"bookworm-c{number}", "address": f"10.78.0.1{number}", "ssh_config": "/lab/ssh_config"}
    for number in (1, 2)
]


def test_the_first_machine_is_everything_and_the_second_a_hypervisor() -> None:
    children = inventory.document(MACHINES, {})["all"]["children"]  # type: ignore[index]
    members = {group: list(of["hosts"]) for group, of in children.items()}
    assert members.pop("libvirt_hosts") == ["bookworm-c1", "bookworm-c2"]
    assert members == {
        group: ["bookworm-c1"] for group in ("database", "control_plane", "reverse_proxy", "operators")
    }


def test_hosts_are_reached_by_address_through_the_labs_ssh_configuration() -> None:
    hosts = inventory.document(MACHINES, {})["all"]["hosts"]  # type: ignore[index]
    assert hosts["bookworm-c2"] == {
        "ansible_host": "10.78.0.12",
        "ansible_ssh_common_args": "-F /lab/ssh_config",
    }


def test_it_is_written_with_what_holds_for_the_lab(tmp_path: Path) -> None:
    for _again in range(2):
        folder = inventory.write(tmp_path / "site", MACHINES, {"libvirt_host_container": True})
    written = json.loads((folder / "hosts.yml").read_text())
    assert written["all"]["vars"] == {"libvirt_host_container": True}
    assert (folder / "group_vars" / "all.yml").exists()
