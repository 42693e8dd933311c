"""Many cloud-init disks in one stack: the plugin reads each back from libvirt, all over one connection."""

from pathlib import Path

from tests.world.world import World

DISKS = 30
PROGRAM = f"""\
import pulumi_libvirt

for number in range({DISKS}):
    name = f"seed-{{number}}"
    pulumi_libvirt.CloudInitDisk(name, name=f"{{name}}.iso", pool="default", user_data="a: b")
"""


def test_thirty_cloud_init_disks_are_made_at_once(world: World, tmp_path: Path) -> None:
    # go-libvirt as it is published reads one in ten as empty, or blocks: see installer/go_libvirt.py.
    program = tmp_path / "disks"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: disks\nruntime: python\n")
    (program / "__main__.py").write_text(PROGRAM)
    stack = world.stack("disks", program)
    stack.up().require()
    seeds = [name for name in world.virsh("vol-list", "default").split() if name.startswith("seed-")]
    assert len(seeds) == DISKS
    stack.destroy().require()
    assert "seed-" not in world.virsh("vol-list", "default")
