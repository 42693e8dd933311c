import threading
import time

import libvirt
import pytest

from limen.hypervisor import xmltools
from limen.hypervisor.connection import Connection, advice, connect, host_uuid, within
from limen.hypervisor.errors import HypervisorError, HypervisorUnavailable, NotFound
from pulumi_limen import xslt

TEST_DRIVER = "test:///default"


def test_a_host_that_is_not_there_is_unavailable_and_says_why() -> None:
    with pytest.raises(
        HypervisorUnavailable, match=r"qemu\+unix.*is not available: .*No such file"
    ) as caught:
        connect("qemu+unix:///system?socket=/nonexistent")
    assert isinstance(caught.value.__cause__, libvirt.libvirtError)


def test_libvirt_prints_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HypervisorUnavailable):
        connect("qemu+unix:///system?socket=/nonexistent")
    with connect(TEST_DRIVER) as conn, pytest.raises(NotFound):
        conn.run(lambda handle: handle.lookupByName("none"))
    assert capfd.readouterr().err == ""


def test_a_call_that_hangs_is_given_up_at_its_deadline() -> None:
    release = threading.Event()
    started = time.monotonic()
    with pytest.raises(HypervisorUnavailable, match="no answer within"):
        within(lambda: release.wait(30), 0.1, "uri")
    assert time.monotonic() - started < 5
    release.set()


def test_a_nested_call_is_under_the_outer_deadline() -> None:
    with connect(TEST_DRIVER) as conn:
        names = conn.run(lambda _: conn.run(lambda handle: handle.listDefinedDomains() or ["x"], seconds=0.0))
    assert names


def test_what_is_not_there_is_named() -> None:
    with connect(TEST_DRIVER) as conn, pytest.raises(NotFound, match="no domain that was asked for"):
        conn.run(lambda handle: handle.lookupByName("none"))


def test_other_errors_are_hypervisor_errors_with_libvirts_words() -> None:
    with (
        connect(TEST_DRIVER) as conn,
        pytest.raises(HypervisorError, match="Libvirt on test:///default says"),
    ):
        conn.run(lambda handle: handle.defineXML("<nonsense/>"))


def test_errors_of_the_work_itself_reach_the_caller() -> None:
    with connect(TEST_DRIVER) as conn, pytest.raises(ZeroDivisionError):
        conn.run(lambda _: 1 // 0)


def test_a_host_without_a_uuid_says_what_to_do() -> None:
    with connect(TEST_DRIVER) as conn, pytest.raises(HypervisorError, match="Set host_uuid"):
        host_uuid(conn)


def test_a_closed_connection_is_not_alive() -> None:
    conn = connect(TEST_DRIVER)
    assert isinstance(conn, Connection)
    assert conn.alive()
    conn.close()
    assert not conn.alive()


def test_the_sdk_writes_the_namespace_that_a_scan_reads() -> None:
    assert xslt.NAMESPACE == xmltools.HINT_NAMESPACE
    assert xslt.TAGS_NAMESPACE == xmltools.TAGS_NAMESPACE


@pytest.mark.parametrize(
    ("said", "what_to_do"),
    [
        (
            "Cannot recv data: Host key verification failed.: Connection reset by peer",
            "accept the host's key",
        ),
        ("Cannot recv data: root@h: Permission denied (publickey).: reset", "keyfile=FILE"),
        ("Cannot recv data: ssh: connect to host h port 22: Connection refused: reset", "SSH server"),
        ("ssh: Could not resolve hostname h: Name or service not known", "Correct the name"),
        ("End of file while reading data: nc: /run/s: No such file or directory", "Does libvirtd run"),
    ],
)
def test_what_ssh_says_is_followed_by_what_to_do(said: str, what_to_do: str) -> None:
    assert what_to_do in advice(said)


def test_what_is_not_about_ssh_is_left_as_it_is() -> None:
    assert advice("Domain not found") == ""
