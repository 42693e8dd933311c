"""The configuration of `vm_stack` as a document."""

from pathlib import Path

import pytest

from pulumi_limen.components.domain import command_line
from pulumi_limen.configuration import load
from pulumi_limen.naming import mac_address
from pulumi_limen.spec.names import is_mac
from pulumi_limen.spec.problems import Problems


def test_variables_are_filled_in_and_missing_ones_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMEN_IMAGE", "/images/a")
    monkeypatch.delenv("LIMEN_NOT_SET", raising=False)
    problems = Problems()
    text = '{"a": {"source": "${LIMEN_IMAGE}", "sha256": "${LIMEN_NOT_SET}", "kernel": "${LIMEN_NOT_SET:-}"}}'
    document = load({"vm_stack:images": text}, "vm_stack", problems)
    assert document["images"]["a"] == {"source": "/images/a", "sha256": "", "kernel": ""}
    assert [problem.path for problem in problems.found] == ["images.a.sha256"]
    assert "LIMEN_NOT_SET" in problems.found[0].message


def test_an_unknown_key_of_the_name_space_is_an_error_and_others_are_left_alone() -> None:
    problems = Problems()
    load({"vm_stack:vm": "{}", "libvirt:uri": "x", "limen:project": "demo"}, "vm_stack", problems)
    assert [problem.path for problem in problems.found] == ["vm_stack:vm"]


def test_text_where_a_mapping_belongs_is_an_error() -> None:
    problems = Problems()
    load({"vm_stack:vms": "web"}, "vm_stack", problems)
    assert problems.found[0].path == "vms"


def test_every_vm_gets_the_keys_of_the_files(tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAA me\n")
    problems = Problems()
    config = {
        "vm_stack:vms": '{"a": {}, "b": {"ssh_keys": ["ssh-rsa B"]}}',
        "vm_stack:ssh_key_files": f'["{key}", "{tmp_path}/none"]',
    }
    vms = load(config, "vm_stack", problems)["vms"]
    assert vms["a"]["ssh_keys"] == ["ssh-ed25519 AAAA me"]
    assert vms["b"]["ssh_keys"] == ["ssh-rsa B", "ssh-ed25519 AAAA me"]
    assert [problem.path for problem in problems.found] == ["ssh_key_files[1]"]


def test_mac_addresses_are_stable_unicast_and_differ() -> None:
    macs = {mac_address("p", "dev", key, index) for key in ("web-1", "web-2") for index in range(4)}
    assert len(macs) == 8
    assert all(is_mac(mac) for mac in macs)
    assert mac_address("p", "dev", "web-1", 0) == mac_address("p", "dev", "web-1", 0)


def test_a_kernel_command_line_reads_back_as_it_was_given() -> None:
    assert command_line("root=/dev/vda rw console=ttyS0 console=tty0 quiet") == [
        {"console": "tty0"},
        {"console": "ttyS0", "root": "/dev/vda"},
        {"_": "quiet rw"},
    ]
