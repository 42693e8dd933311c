import os
import signal

import pytest

from limen.hypervisor.connection import Connection, connect, host_uuid, require_host
from limen.hypervisor.errors import HostMismatch, HypervisorUnavailable
from limen.hypervisor.observe import scan
from tests.lab import libvirtd
from tests.lab.instance import Instance


def test_a_host_is_known_by_its_libvirt_uuid(conn: Connection, lab: Instance) -> None:
    assert host_uuid(conn) == lab.host_uuid
    require_host(conn, lab.host_uuid.upper())
    with pytest.raises(HostMismatch, match="is meant"):
        require_host(conn, "00000000-0000-4000-8000-000000000000")


def test_a_readonly_connection_scans(lab: Instance) -> None:
    with connect(lab.libvirt_uri, readonly=True) as conn:
        assert scan(conn).host_uuid == lab.host_uuid


def test_a_libvirtd_that_hangs_hangs_nobody(conn: Connection, lab: Instance) -> None:
    daemon = libvirtd.pid_of(lab, "libvirtd")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        with pytest.raises(HypervisorUnavailable, match="no answer within"):
            conn.run(lambda handle: handle.listAllDomains(0), seconds=0.5)
        with pytest.raises(HypervisorUnavailable, match="no answer within"):
            connect(lab.libvirt_uri, seconds=0.5)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    with connect(lab.libvirt_uri) as again:
        assert scan(again).host_uuid == lab.host_uuid


def test_a_connection_that_broke_says_the_host_is_unavailable(lab: Instance) -> None:
    with connect(lab.libvirt_uri) as conn:
        daemon = libvirtd.pid_of(lab, "libvirtd")
        assert daemon is not None
        os.kill(daemon.pid, signal.SIGKILL)
        with pytest.raises(HypervisorUnavailable):
            scan(conn)
    libvirtd.up(lab)
    with connect(lab.libvirt_uri) as again:
        assert scan(again).host_uuid == lab.host_uuid
