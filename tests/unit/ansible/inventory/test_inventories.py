"""The inventories that are shipped: they load, and every variable in them is one that a role has."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[4]
INVENTORIES = ROOT / "inventories"
BIN = Path(sys.executable).parent
# Variables of Ansible's own and of the vault; all others begin with the name of a role.
FOREIGN = ("ansible_", "vault_", "limen_secrets")
GROUPS = ("libvirt_hosts", "database", "control_plane", "reverse_proxy", "operators")


def ansible(tool: str, *arguments: str, cwd: Path = ROOT, **variables: str) -> str:
    """Standard output of one of Ansible's commands that must succeed, without any LIMEN_ variable."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LIMEN_", "ANSIBLE_"))}
    done = subprocess.run(
        [str(BIN / tool), *arguments],
        cwd=cwd,
        env={**own, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **variables},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return done.stdout


def variables_of(inventory: str) -> dict[str, Path]:
    """Every variable that a file of the inventory sets, and where."""
    found: dict[str, Path] = {}
    for path in sorted((INVENTORIES / inventory).rglob("*.yml")):
        if path.parent != INVENTORIES / inventory:
            found.update(dict.fromkeys(yaml.safe_load(path.read_text()) or {}, path))
    return found


def options_of(role: str) -> set[str]:
    specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    return {option for spec in specs["argument_specs"].values() for option in spec.get("options", {})}


def test_production_lists_two_hosts_in_the_groups_of_site() -> None:
    document: dict[str, Any] = json.loads(
        ansible("ansible-inventory", "-i", "inventories/production", "--list")
    )
    assert set(document["_meta"]["hostvars"]) == {"host1", "host2"}
    assert document["libvirt_hosts"]["hosts"] == ["host1", "host2"]
    for group in GROUPS[1:]:
        assert document[group]["hosts"] == ["host1"], group


@pytest.mark.parametrize("inventory", ["lab", "production"])
def test_every_variable_is_one_that_a_role_has(inventory: str) -> None:
    roles = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
    for name, path in variables_of(inventory).items():
        if name.startswith(FOREIGN):
            continue
        owners = [role for role in roles if name.startswith(f"{role}_")]
        assert owners, f"{path}: no role has {name}"
        assert any(name in options_of(role) for role in owners), f"{path}: {owners} have no {name}"


def test_the_lab_makes_the_groups_of_site_and_needs_no_host_by_hand() -> None:
    source = yaml.safe_load((INVENTORIES / "lab" / "libvirt.yml").read_text())
    assert set(source["groups"]) == set(GROUPS)
    assert "hypervisors" not in source


def test_the_vault_is_there_as_an_example_and_works_once_it_is_encrypted(tmp_path: Path) -> None:
    copy = tmp_path / "production"
    shutil.copytree(INVENTORIES / "production", copy)
    vault, password = copy / "group_vars" / "all" / "vault.yml", tmp_path / "password"
    assert not vault.exists(), "secrets are not for Git"
    secrets = yaml.safe_load((copy / "group_vars" / "all" / "vault.yml.example").read_text())
    used = {
        word
        for path in copy.rglob("*.yml")
        for word in path.read_text().replace("{", " ").replace("}", " ").split()
        if word.startswith("vault_")
    }
    assert used == set(secrets), "the example names exactly the secrets that are used"
    vault.write_text(yaml.safe_dump({name: f"secret of {name}" for name in secrets}))
    password.write_text("throwaway\n")
    ansible("ansible-vault", "encrypt", "--vault-password-file", str(password), str(vault))
    assert vault.read_text().startswith("$ANSIBLE_VAULT")
    said = ansible(
        "ansible",
        *(
            "host1",
            "-i",
            str(copy),
            "-c",
            "local",
            "-m",
            "ansible.builtin.debug",
            "-a",
            "var=api_owner_password",
        ),
        *("--vault-password-file", str(password)),
    )
    assert "secret of vault_postgres_owner_password" in said
