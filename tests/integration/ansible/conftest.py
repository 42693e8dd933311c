"""What tests of the collection share: playbooks run against a real limen-api, PostgreSQL and libvirtd.

`world` (tests/integration/conftest.py) is all of that. Tests of one session share it, so whoever holds
something uses a project of its own (`project`) and gives it back.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible.runner import PLAYBOOKS, Run, RunPlaybook, clean_environment, run_playbook
from tests.world.world import OPERATOR, World

_numbers = itertools.count(1)
IMAGE = "idle-vm.qcow2"
LIMITS = {"vms": "4", "vcpus": "4", "memory": "1GiB", "disk": "1GiB", "networks": "4", "snapshots": "4"}


@dataclass(frozen=True)
class Setting:
    """Whom a playbook speaks to, and as whom: variables of its environment."""

    world: World
    token_file: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **clean_environment(),
            "PATH": self.world.environment["PATH"],
            "LIMEN_API_URL": self.world.authority.url,
            "LIMEN_TOKEN_FILE": str(self.token_file),
            "LIMEN_LIBVIRT_URI": self.world.uri,
            "LIMEN_DOMAIN_TYPE": "qemu",
        }


@pytest.fixture(scope="session")
def administrator(world: World) -> Setting:
    """With an administrator's token."""
    return Setting(world, world.layout.administrator_token)


@pytest.fixture(scope="session")
def operator(world: World) -> Setting:
    """With the token of an operator of the project `demo`, and of every `project`."""
    return Setting(world, world.layout.operator_token)


@pytest.fixture
def ansible_playbook(administrator: Setting, tmp_path: Path) -> RunPlaybook:
    """Runs a playbook: path or text, arguments, `as_` (administrator), `environment`, `variables`."""

    def run(
        playbook: str | Path,
        *arguments: str,
        as_: Setting = administrator,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Run:
        folder = tmp_path / f"run-{next(_numbers)}"
        folder.mkdir()
        return run_playbook(
            playbook,
            *arguments,
            environment={**as_.environment, **(environment or {})},
            folder=folder,
            **options,
        )

    return run


@pytest.fixture
def apply_reapply_check(ansible_playbook: RunPlaybook) -> Callable[..., Run]:
    """Proves the playbook of a module: check, apply, apply again, check again; answers the applying run.

    Check mode changes nothing and foretells which tasks change what; a second run changes nothing.
    """

    def prove(module: str, **options: Any) -> Run:
        playbook = PLAYBOOKS / f"{module}.yml"
        foretold = ansible_playbook(playbook, "--check", "--diff", **options).require()
        applied = ansible_playbook(playbook, "--diff", **options).require()
        assert applied.changed == foretold.changed
        assert [task.diff for task in applied.tasks] == [task.diff for task in foretold.tasks]
        for arguments in ((), ("--check",)):
            again = ansible_playbook(playbook, *arguments, **options).require()
            assert again.changed == [], again.explanation
        return applied

    return prove


@pytest.fixture
def project(world: World) -> Iterator[str]:
    """A project of the test's own with `LIMITS`, its operator the one of `operator`; empty afterwards."""
    name = f"p{next(_numbers)}"
    world.project(name, LIMITS)
    yield name
    for claim in world.client.list_claims(project=name):
        if claim["state"] == "held":
            world.client.release_claim(claim["id"], claim["generation"])
    world.client.scan_host(world.host)
    left = [claim["items"] for claim in world.client.list_claims(project=name) if claim["items"]]
    assert left == [], f"the test left something on the host: {left}"


@pytest.fixture
def vm_prefix(world: World, project: str) -> Iterator[str]:
    """The beginning of the names of a test's VMs; they and their volumes are gone afterwards."""
    prefix = f"vm{next(_numbers)}x"
    yield prefix
    for domain in world.domains().values():
        if domain.name.startswith(prefix):
            if domain.active:
                world.virsh("destroy", domain.name)
            if domain.defined is not None:
                world.virsh("undefine", domain.name, "--snapshots-metadata")
    for volume in world.seen().volumes:
        if volume.name.startswith(prefix):
            world.virsh("vol-delete", volume.name, "--pool", volume.pool)


@pytest.fixture(scope="module")
def network(world: World) -> Iterator[str]:
    """A network without addresses: cards can be on it, and nothing answers there."""
    name = "vm-cards"
    path = world.layout.dot / f"{name}.xml"
    path.write_text(f"<network><name>{name}</name><bridge name='vmcards0'/></network>")
    world.virsh("net-define", str(path))
    world.virsh("net-start", name)
    yield name
    world.virsh("net-destroy", name)
    world.virsh("net-undefine", name)


@pytest.fixture(scope="module")
def image(world: World) -> Iterator[str]:
    """The image of guests that halt at once, as a volume."""
    world.virsh("vol-create-as", "default", IMAGE, "1MiB", "--format", "qcow2")
    world.virsh("vol-upload", IMAGE, str(world.image), "--pool", "default")
    yield IMAGE
    world.virsh("vol-delete", IMAGE, "--pool", "default")


__all__ = ["LIMITS", "OPERATOR", "Setting"]
