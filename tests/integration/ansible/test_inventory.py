"""VMs that Pulumi made appear in the lab's inventory; nothing but the environment says where they are."""

import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.ansible.runner import ANSIBLE_PLAYBOOK, ROOT, clean_environment
from tests.world import guests
from tests.world.stack import Stack
from tests.world.world import World

LAB = "inventories/lab"
_numbers = itertools.count(1)


@pytest.fixture
def stack(world: World) -> Iterator[Stack]:
    made = world.stack(f"inv{next(_numbers)}")
    yield made
    made.destroy().require()


@pytest.fixture
def listed(world: World) -> Callable[..., dict[str, Any]]:
    """The lab's inventory, as `ansible-inventory --list` tells it."""

    def ask(**environment: str) -> dict[str, Any]:
        done = subprocess.run(
            [str(ANSIBLE_PLAYBOOK.parent / "ansible-inventory"), "-i", LAB, "--list"],
            cwd=ROOT,
            env={
                **clean_environment(),
                "LIMEN_LIBVIRT_URI": world.uri,
                "LIMEN_SSH_CONFIG": str(world.lab.instance.ssh_config),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr, done.stderr
        found: dict[str, Any] = json.loads(done.stdout, object_hook=_plain)
        return found

    return ask


def _plain(value: dict[str, Any]) -> Any:
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


def test_a_stack_is_in_the_inventory_as_soon_as_it_is_up_and_follows_its_tags(
    world: World, stack: Stack, listed: Callable[..., dict[str, Any]]
) -> None:
    assert listed()["_meta"]["hostvars"] == {}
    vms = {
        "db": guests.vm(tags={"role": "database,control_plane", "tier": "back"}),
        "hv": guests.vm(tags={"role": "libvirt_hosts"}),
    }
    document = world.document(vms, number=78)
    stack.configure(document)
    stack.up().require()

    found = listed()
    database, hypervisor = f"{stack.name}-db", f"{stack.name}-hv"
    assert set(found["_meta"]["hostvars"]) == {database, hypervisor}
    for group in ("database", "control_plane", "role_database", "tag_tier_back"):
        assert found[group]["hosts"] == [database], group
    assert found["libvirt_hosts"]["hosts"] == [hypervisor]
    assert "reverse_proxy" not in found
    variables = found["_meta"]["hostvars"][database]
    assert variables["limen_uuid"] == world.domains()[database].uuid
    assert (variables["limen_project"], variables["limen_stack"]) == ("demo", f"vm_stack/{stack.name}")
    assert variables["limen_networks"] == [f"{stack.name}-lan"]
    assert variables["ansible_user"] == "debian"
    assert variables["ansible_ssh_common_args"] == f"-F {world.lab.instance.ssh_config}"

    document["vms"]["hv"]["tags"] = {"role": "reverse_proxy"}
    stack.configure(document)
    stack.up().require()
    found = listed()
    assert found["reverse_proxy"]["hosts"] == [hypervisor]
    assert "libvirt_hosts" not in found


def test_a_tenants_other_projects_are_not_the_labs(
    world: World, stack: Stack, listed: Callable[..., dict[str, Any]]
) -> None:
    world.project("elsewhere", {"vms": "1", "vcpus": "1", "memory": "64MiB", "disk": "8MiB", "networks": "1"})
    stack.configure(world.document({"web": guests.vm()}, number=78), project="elsewhere")
    stack.up().require()
    assert f"{stack.name}-web" in world.domains()
    assert listed()["_meta"]["hostvars"] == {}
