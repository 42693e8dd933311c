"""`vm_stack` with the real engine: what a person reads when the configuration is wrong, and what ships."""

import json
from pathlib import Path

import pytest
import yaml

from pulumi_limen.configuration import load
from pulumi_limen.spec.document import parse
from pulumi_limen.spec.problems import Problems
from tests.lab.demo.program import PROGRAM
from tests.world.world import World


def test_every_error_is_printed_without_a_traceback_and_nothing_is_made(world: World) -> None:
    stack = world.stack("wrong")
    before = world.virsh("list", "--all", "--name")
    vm = {"vcpus": 1, "memmory": "1GiB", "image": "none", "disk": "4G", "networks": ["lam"]}
    stack.configure({"networks": {"lan": {"cidr": "10.79.0.0/24"}}, "vms": {"web": vm}})
    outcome = stack.pulumi("preview")
    assert outcome.code != 0
    for line in (
        "vms.web.memmory: unknown key; did you mean `memory`?",
        "vms.web: `memory` is missing",
        "vms.web.disk: '4G' is not an amount of disk",
        "vms.web.image: unknown image",
        "vms.web.networks[0]: unknown network 'lam'; declared are lan",
    ):
        assert line in outcome.output
    assert "Traceback" not in outcome.output
    assert world.virsh("list", "--all", "--name") == before
    assert world.claims() == []


def test_the_shipped_configuration_is_right(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAA test\n")
    monkeypatch.setenv("LIMEN_SSH_PUBLIC_KEY_FILE", str(key))
    monkeypatch.setenv("LIMEN_IMAGE", "/images/debian.qcow2")
    monkeypatch.setenv("LIMEN_IMAGE_SHA256", "ab" * 32)
    config = yaml.safe_load((PROGRAM / "Pulumi.dev.yaml.example").read_text())["config"]
    problems = Problems()
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in config.items()}
    spec = parse(load(texts, "vm_stack", problems), problems)
    assert {name: (vm.vcpus, vm.memory) for name, vm in spec.vms.items()} == {
        "limen-1": (1, 1024 * 2**20),
        "limen-2": (1, 512 * 2**20),
    }
    assert (len(spec.networks), len(spec.disks)) == (1, 1)
    assert not spec.disks["data"].keep, "`make down` must be able to delete it"
