"""What a guest or a project says of itself ends up in nobody's shell and is no option of ssh."""

import os
from typing import Any
from uuid import uuid4

import pytest
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import useful

from limen.commands import virtual_machines
from limen.hypervisor.connection import Connection
from limen.hypervisor.domains import addresses
from tests.unit.cli.conftest import Run, api, run  # noqa: F401  fixtures

MAC = "52:54:00:00:00:01"
HOSTILE = (
    "2001:db8::1%';touch /tmp/x;'",
    "2001:db8::1%$(id)",
    "2001:db8::1%eth0",
    "fe80::1%`id`",
    "-oProxyCommand=id",
    "10.0.0.5;id",
    "10.0.0.5\nProxyCommand id",
    "$(id)",
    "",
    "127.0.0.2",
    "::1",
    "::",
    "host.example",
)


class Domain:
    def __init__(self, told: tuple[str, ...]) -> None:
        self.told = told

    def lookupByUUIDString(self, _uuid: str) -> "Domain":  # noqa: N802
        return self

    def isActive(self) -> bool:  # noqa: N802
        return True

    def XMLDesc(self, _flags: int) -> str:  # noqa: N802
        card = f"<interface type='network'><mac address='{MAC}'/></interface>"
        return f"<domain><devices>{card}</devices></domain>"

    def interfaceAddresses(self, _source: int, _flags: int) -> dict[str, Any]:  # noqa: N802
        return {"eth0": {"hwaddr": MAC, "addrs": [{"addr": each, "prefix": 24} for each in self.told]}}


def test_an_address_that_a_guest_tells_is_an_address() -> None:
    conn = Connection("fake:///", Domain((*HOSTILE, "10.0.0.5", "2001:db8::1")), readonly=True)
    assert [each.address for each in addresses(conn, str(uuid4()))] == ["10.0.0.5", "2001:db8::1"]


@pytest.mark.parametrize("address", HOSTILE, ids=ascii)
def test_the_inventory_takes_none_of_them_either(address: str) -> None:
    assert not useful(address)


@pytest.mark.parametrize("name", ["-oProxyCommand=id", "a;id", "$(id)", "a b", "-"])
def test_a_name_that_a_project_chose_is_no_option_of_ssh(
    name: str,
    run: Run,  # noqa: F811
    api: dict[str, Any],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uuid, started = str(uuid4()), []
    vm = {"key": "vm:web", "kind": "vm", "name": name, "uuid": uuid, "host": "h", "state": "committed"}
    owner = {"kind": "stack", "name": "web"}
    api["list_claims"] = [{"id": "c", "project": "p", "owner": owner, "items": [{**vm, "charge": {}}]}]
    api["get_host"] = {"uri": "qemu:///system"}
    monkeypatch.setattr(virtual_machines, "_address", lambda _uri, _vm: "10.0.0.5")
    monkeypatch.setattr(virtual_machines.shutil, "which", lambda program: program)
    monkeypatch.setattr(os, "execvp", lambda _program, arguments: started.append(arguments))
    run("vm", "ssh", "web")
    assert [arguments[-1] for arguments in started] == [uuid]
    assert name not in started[0]
