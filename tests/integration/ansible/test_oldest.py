"""The playbooks of the modules under the oldest ansible-core; every other test runs them under the newest."""

import functools
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.ansible.conftest import OPERATOR
from tests.integration.ansible.oldest import ENVIRONMENT, oldest_ansible_playbook, requirement
from tests.integration.ansible.runner import Run
from tests.world.world import World

# Each test runs several playbooks, which takes its time on a machine that does other things as well.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def oldest() -> Path:
    return oldest_ansible_playbook()


def test_the_oldest_is_older_than_what_the_other_tests_run(oldest: Path) -> None:
    shown = subprocess.run([oldest, "--version"], capture_output=True, text=True, check=True).stdout
    wanted = requirement().partition("~=")[2].rpartition(".")[0]
    assert f"[core {wanted}." in shown
    newest = metadata.version("ansible-core")
    assert tuple(map(int, newest.split(".")[:2])) > tuple(map(int, wanted.split(".")))


@pytest.mark.parametrize("module", ["project", "quota", "quota_info", "quota_claim", "quota_reconcile"])
def test_apply_reapply_check(
    module: str, oldest: Path, apply_reapply_check: Callable[..., Run], world: World, project: str
) -> None:
    volume = f"old-{uuid4().hex[:6]}"
    variables = {
        "tree": f"old-{uuid4().hex[:6]}",
        "user": OPERATOR,
        "project": project,
        "host": world.host,
        "uri": world.uri,
        "volume": volume,
    }
    try:
        run = apply_reapply_check(module, ansible=oldest, variables=variables, environment=ENVIRONMENT)
    finally:
        if volume in world.virsh("vol-list", "default"):
            world.virsh("vol-delete", volume, "--pool", "default")
    assert "WARNING" not in run.output, run.output


def test_vm_and_its_snapshot(
    oldest: Path,
    apply_reapply_check: Callable[..., Run],
    project: str,
    vm_prefix: str,
    network: str,
    image: str,
) -> None:
    proved = functools.partial(apply_reapply_check, ansible=oldest, environment=ENVIRONMENT)
    variables = {"project": project, "name": vm_prefix, "network": network, "image": image}
    assert proved("vm", variables=variables).changed == ["One that runs", "Two of a list"]
    run = proved("vm_snapshot", variables={"project": project, "vm": f"{vm_prefix}-three"})
    assert run.changed == ["Take one"]
    assert "WARNING" not in run.output, run.output
