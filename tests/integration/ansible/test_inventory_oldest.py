"""The inventory plugin under the oldest ansible-core, which takes every text of a plugin for a template."""

import os
import subprocess
from pathlib import Path

import libvirt
import pytest

from tests.integration.ansible.oldest import oldest_ansible_playbook
from tests.integration.ansible.runner import ROOT, clean_environment

EVIL = "{{ lookup('ansible.builtin.pipe', 'echo pwned') }}"
UUID = "3b0b0b7e-0000-5000-8000-000000000001"


@pytest.fixture
def libvirt_python(tmp_path: Path) -> Path:
    """A folder with libvirt-python and nothing else of this environment: the oldest has none."""
    folder = tmp_path / "python"
    folder.mkdir()
    for each in Path(libvirt.__file__).parent.glob("libvirt*"):
        (folder / each.name).symlink_to(each)
    return folder


def test_what_tenants_write_is_never_a_template(tmp_path: Path, libvirt_python: Path) -> None:
    node = tmp_path / "node.xml"
    node.write_text(
        f"<node><domain type='test'><name>web</name><uuid>{UUID}</uuid><metadata>"
        f'<limen:item xmlns:limen="urn:limen:domain:1" owner="{EVIL}" project="demo" claim="c" key="vm:web"/>'
        "</metadata><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain></node>"
    )
    inventory = tmp_path / "limen.yml"
    inventory.write_text(
        f"plugin: limen.platform.libvirt\nhypervisors: ['test://{node}']\ncompose: {{copied: limen_owner}}\n"
    )
    playbook = tmp_path / "show.yml"
    playbook.write_text(
        "- hosts: web\n  connection: local\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.debug: {msg: '{{ limen_owner }} and {{ copied }}'}\n"
    )
    done = subprocess.run(
        [str(oldest_ansible_playbook()), "-i", str(inventory), str(playbook)],
        cwd=ROOT,
        env={
            **clean_environment(),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "PYTHONPATH": str(libvirt_python),
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("lookup(") == 2, f"what a tenant wrote was run: {done.stdout}"
