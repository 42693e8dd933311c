"""What a container of the lab is told, and how it is known again."""

from pathlib import Path

import pytest

from tests.lab import aptproxy, cgroups
from tests.lab.guest import records, rootfs
from tests.lab.guest.ground import Ground
from tests.lab.guest.records import Record
from tests.lab.instance import instance

MOUNTS = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""


def test_the_unified_hierarchy_is_found_beside_older_ones() -> None:
    assert cgroups.parse_mounts(MOUNTS) == [Path("/sys/fs/cgroup/unified")]


def test_a_record_is_read_back_and_a_half_written_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / records.FILE
    path.with_suffix(".draft").write_text('{"slot"')
    assert records.read(path) is None
    records.write(path, Record(11, "trixie", "abc"))
    assert records.read(path) == Record(11, "trixie", "abc")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, rootfs.File]:
    ground = Ground(instance("u", tmp_path))
    ground.folder.mkdir()
    ground.key.with_suffix(".pub").write_text("ssh-ed25519 AAAA limen-guest\n")
    monkeypatch.setattr(aptproxy, "url", lambda lab: "http://192.0.2.1:3142")
    return dict(rootfs.files("web", ground))


def test_it_has_a_name_that_resolves_and_lets_the_key_in(files: dict[str, rootfs.File]) -> None:
    assert files["etc/hostname"].text == "web\n"
    assert "127.0.1.1 web.guests.internal web\n" in files["etc/hosts"].text
    key = files["home/debian/.ssh/authorized_keys"]
    assert (key.text, key.mode, key.users) == ("ssh-ed25519 AAAA limen-guest\n", 0o600, True)
    assert files["etc/apt/apt.conf.d/90proxy"].text == 'Acquire::http::Proxy "http://192.0.2.1:3142";\n'


def test_two_containers_of_one_image_are_two_machines(tmp_path: Path, files: dict[str, rootfs.File]) -> None:
    other = rootfs.files("db", Ground(instance("u", tmp_path)))
    assert files["etc/machine-id"] != other["etc/machine-id"]
