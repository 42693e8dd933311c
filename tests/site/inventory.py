"""The inventory of two machines that share the groups of site.yml as the VMs of `make up` do."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The lab's own inventory says what holds for any two machines.
GROUP_VARS = ROOT / "inventories/lab/group_vars"
FIRST = ("libvirt_hosts", "database", "control_plane", "reverse_proxy", "operators")
SECOND = ("libvirt_hosts",)


def document(machines: Sequence[Mapping[str, str]], variables: Mapping[str, object]) -> dict[str, object]:
    """The inventory for Ansible's plugin `yaml` (JSON is YAML); `machines` is what the guest tool says."""
    hosts = {
        machine["name"]: {
            "ansible_host": machine["address"],
            "ansible_ssh_common_args": f"-F {machine['ssh_config']}",
        }
        for machine in machines
    }
    first, second = (machine["name"] for machine in machines)
    groups = {group: [first] for group in FIRST}
    for group in SECOND:
        groups[group].append(second)
    children: dict[str, object] = {
        group: {"hosts": {name: {} for name in names}} for group, names in groups.items()
    }
    return {"all": {"hosts": hosts, "vars": dict(variables), "children": children}}


def write(folder: Path, machines: Sequence[Mapping[str, str]], variables: Mapping[str, object]) -> Path:
    """Write it into a folder of its own; returns the folder, for `ansible-playbook -i`."""
    folder.mkdir(parents=True, exist_ok=True)
    group_vars = folder / "group_vars"
    group_vars.unlink(missing_ok=True)
    group_vars.symlink_to(GROUP_VARS)
    (folder / "hosts.yml").write_text(json.dumps(document(machines, variables), indent=2) + "\n")
    return folder
