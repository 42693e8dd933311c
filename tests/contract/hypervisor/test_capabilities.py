import os
import shutil
from pathlib import Path

import pytest

from limen.hypervisor.capabilities import capabilities, capacity
from limen.hypervisor.connection import Connection
from tests.contract.hypervisor.conftest import MakeDomain
from tests.lab.instance import Instance


def test_what_is_reported_can_be_defined_and_started(
    conn: Connection, lab: Instance, domain: MakeDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_DOMAIN_TYPE", "qemu")
    found = capabilities(conn)
    assert (found.host_uuid, found.domain_type, found.cpu_mode) == (lab.host_uuid, "qemu", "maximum")
    assert Path(found.emulator).exists()
    assert (found.uefi, found.secure_boot) == (bool(found.firmware_files), True)
    domain("web", machine=found.machine, paused=True)


def test_the_capacity_is_the_machines(conn: Connection, pool: str, tmp_path: Path) -> None:
    found = capacity(conn)
    assert found.vcpus == os.cpu_count()
    assert abs(found.memory - os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) < 2**20
    assert found.disk == shutil.disk_usage(tmp_path).total


def test_two_pools_on_one_filesystem_count_once(conn: Connection, pool: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    text = f"<pool type='dir'><name>other</name><target><path>{tmp_path / 'other'}</path></target></pool>"
    other = conn.run(lambda handle: handle.storagePoolCreateXML(text, 0))
    try:
        assert capacity(conn).disk == shutil.disk_usage(tmp_path).total
    finally:
        other.destroy()
