"""The plugin as a person runs it, on hypervisors of libvirt's in-process test driver."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.ansible.inventory.hypervisors import HINT, metadata

ROOT = Path(__file__).parents[4]
ANSIBLE = Path(sys.executable).parent / "ansible"
EVIL = "{{ lookup('ansible.builtin.pipe', 'echo pwned') }}"


@dataclass(frozen=True)
class Listed:
    """What `ansible-inventory --list` answered."""

    code: int
    errors: str
    document: dict[str, Any]

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.document.get("_meta", {}).get("hostvars", {})
        return found

    def group(self, name: str) -> set[str]:
        return set(self.document.get(name, {}).get("hosts", []))

    @property
    def words(self) -> str:
        """The messages without the wrapping of lines."""
        return " ".join(self.errors.split())


Inventory = Callable[..., Listed]


def plain(value: dict[str, Any]) -> Any:
    """`ansible-inventory --list` marks texts that are never to be taken as templates."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


def domain(name: str, mac: str = "", tags: dict[str, str] | None = None, **hint: str) -> str:
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}{mac}")
    card = f"<interface type='network'><mac address='{mac}'/><source network='lan'/></interface>"
    known = {**HINT, **hint} if hint.get("foreign") is None else None
    return (
        f"<domain type='test'><name>{name}</name><uuid>{identity}</uuid>"
        f"<metadata>{metadata(known, tags or {})}</metadata><memory>65536</memory><vcpu>1</vcpu>"
        f"<os><type>hvm</type></os><devices>{card if mac else ''}</devices></domain>"
    )


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., str]:
    """Makes a hypervisor of these domains: its URI."""

    def make(name: str, *domains: str) -> str:
        network = (
            "<network><name>lan</name><forward mode='nat'/><bridge name='virbr0'/><ip address='10.9.0.1' "
            "netmask='255.255.255.0'><dhcp><range start='10.9.0.10' end='10.9.0.99'/></dhcp></ip></network>"
        )
        path = tmp_path / f"{name}.xml"
        path.write_text(f"<node>{''.join(domains)}{network}</node>")
        return f"test://{path}"

    return make


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    def run(environment: dict[str, str] | None = None, **options: Any) -> Listed:
        path = tmp_path / "limen.yml"
        path.write_text(yaml.safe_dump({"plugin": "limen.platform.libvirt", **options}))
        foreign = ("LIMEN_", "LIBVIRT_", "ANSIBLE_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(path), "--list"],
            env={
                **own,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "HOME": str(tmp_path),
                **(environment or {}),
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return Listed(done.returncode, done.stderr, json.loads(done.stdout or "{}", object_hook=plain))

    return run


def test_a_machine_is_in_the_groups_of_everything_that_is_known_of_it(
    inventory: Inventory, node: Callable[..., str]
) -> None:
    tags = {"role": "database,control-plane", "tier": "back"}
    uri = node("one", domain("web-1", "52:54:00:00:00:01", tags), domain("foreign", foreign="yes"))
    listed = inventory(hypervisors=[{"uri": uri, "name": "host1"}])
    for group in (
        *("limen", "project_demo", "owner_vm_stack_dev", "stack_vm_stack_dev", "role_database"),
        *("role_control_plane", "tag_tier_back", "network_lan", "state_running", "hypervisor_host1"),
    ):
        assert listed.group(group) == {"web-1"}, group
    found = listed.hosts["web-1"]
    assert found["ansible_host"].startswith("10.9.0.")
    assert found["limen_tags"] == tags
    assert found["limen_roles"] == ["database", "control-plane"]
    assert (found["limen_project"], found["limen_stack"]) == ("demo", "vm_stack/dev")
    assert (found["limen_state"], found["libvirt_uri"]) == ("running", uri)
    assert set(listed.hosts) == {"web-1"}, "a machine that is not Limen's was taken in"
    assert "foreign" in inventory(hypervisors=[uri], foreign=True).hosts


def test_compose_groups_and_keyed_groups_see_the_variables(
    inventory: Inventory, node: Callable[..., str]
) -> None:
    uri = node("one", domain("db", "52:54:00:00:00:01", {"role": "database", "tier": "back"}))
    listed = inventory(
        hypervisors=[uri],
        strict=True,
        compose={"ansible_user": "'debian'"},
        groups={"database": "'database' in limen_roles", "nobody": "'x' in limen_roles"},
        keyed_groups=[{"key": "limen_tags.tier", "prefix": "t"}],
    )
    assert listed.group("database") == listed.group("t_back") == {"db"}
    assert listed.group("nobody") == set()
    assert listed.hosts["db"]["ansible_user"] == "debian"


def test_what_tenants_write_is_never_a_template(
    inventory: Inventory, node: Callable[..., str], tmp_path: Path
) -> None:
    inventory(hypervisors=[node("one", domain("web", "52:54:00:00:00:01", {"note": EVIL}, owner=EVIL))])
    argv = [
        str(ANSIBLE),
        "web",
        "-i",
        str(tmp_path / "limen.yml"),
        "-c",
        "local",
        "-m",
        "ansible.builtin.debug",
    ]
    said = subprocess.run(
        [*argv, "-a", "msg={{ limen_tags.note ~ limen_owner }}"],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("lookup(") == 2, f"what a tenant wrote was run: {said.stdout}"


def test_names_that_mean_something_else_give_way_to_the_uuid(
    inventory: Inventory, node: Callable[..., str]
) -> None:
    uri = node("one", *(domain(name) for name in ("localhost", "all", "10.0.0.1", "fine")))
    hosts = inventory(hypervisors=[uri]).hosts
    assert "fine" in hosts
    assert {"localhost", "all", "10.0.0.1"}.isdisjoint(hosts)
    assert sorted(each["limen_name"] for each in hosts.values()) == ["10.0.0.1", "all", "fine", "localhost"]


def test_equal_names_on_two_hypervisors_are_never_one_host(
    inventory: Inventory, node: Callable[..., str]
) -> None:
    one = node("one", domain("web", "52:54:00:00:00:01"))
    two = node("two", domain("web", "52:54:00:00:00:02"))
    hypervisors = [{"uri": one, "name": "host1"}, {"uri": two, "name": "host2"}]
    refused = inventory(hypervisors=hypervisors)
    assert "Two machines are called web" in refused.words
    assert "name_at_hypervisor" in refused.words
    assert refused.hosts == {}
    listed = inventory(hypervisors=hypervisors, host_naming="name_at_hypervisor")
    assert set(listed.hosts) == {"web@host1", "web@host2"}
    assert listed.group("hypervisor_host2") == {"web@host2"}


def test_a_hypervisor_that_does_not_answer_is_an_error_or_a_warning(
    inventory: Inventory, node: Callable[..., str]
) -> None:
    away = "qemu+unix:///system?socket=/nonexistent/socket"
    hypervisors = [node("one", domain("web")), away]
    refused = inventory(hypervisors=hypervisors)
    assert refused.hosts == {}
    assert "/nonexistent/socket can't be read" in refused.words
    listed = inventory(hypervisors=hypervisors, on_unreachable="warn")
    assert set(listed.hosts) == {"web"}
    assert "Its machines are missing from the inventory" in listed.words


def test_only_machines_of_the_wanted_state_and_project(
    inventory: Inventory, node: Callable[..., str]
) -> None:
    uri = node("one", domain("ours"), domain("theirs", project="other"))
    assert set(inventory(hypervisors=[uri], projects=["other"]).hosts) == {"theirs"}
    assert inventory(hypervisors=[uri], states=["shutoff"]).hosts == {}
    assert set(inventory(hypervisors=[uri], states=["any"]).hosts) == {"ours", "theirs"}


def test_the_environment_names_hypervisors_and_the_way_in(
    inventory: Inventory, node: Callable[..., str]
) -> None:
    uri = node("one", domain("web", "52:54:00:00:00:01"))
    listed = inventory({"LIMEN_LIBVIRT_URI": uri, "LIMEN_SSH_CONFIG": "/lab/ssh config"})
    assert listed.hosts["web"]["ansible_ssh_common_args"] == "-F '/lab/ssh config'"
    assert "`. .limen/env`" in inventory().words


def test_the_cache_answers_for_the_same_hypervisors_only(
    inventory: Inventory, node: Callable[..., str], tmp_path: Path
) -> None:
    cache = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(tmp_path / "cache"),
    }
    one, two = node("one", domain("web")), node("two", domain("db"))
    assert set(inventory(hypervisors=[one], **cache).hosts) == {"web"}
    Path(one.removeprefix("test://")).unlink()
    assert set(inventory(hypervisors=[one], **cache).hosts) == {"web"}, "the hypervisor was asked again"
    assert set(inventory(hypervisors=[two], **cache).hosts) == {"db"}, "another hypervisor's machines"


def test_groups_that_fall_together_are_told(inventory: Inventory, node: Callable[..., str]) -> None:
    uri = node("one", domain("a", owner="x-y"), domain("b", owner="x_y"))
    listed = inventory(hypervisors=[uri])
    assert listed.group("owner_x_y") == {"a", "b"}
    assert "The group owner_x_y stands for owner x-y and owner x_y" in listed.words
