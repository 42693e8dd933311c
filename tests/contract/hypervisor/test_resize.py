import pytest

from limen.hypervisor.connection import Connection
from limen.hypervisor.domains import find_domain, rename_domain, start_domain, stop_domain
from limen.hypervisor.errors import NotFound, Refused
from limen.hypervisor.model import Size
from limen.hypervisor.resize import resize_domain
from tests.contract.hypervisor.conftest import MakeDomain

MIB = 2**20
NOWHERE = "00000000-0000-4000-8000-000000000000"
ROOM = "<vcpu current='1'>4</vcpu>"


def sizes(conn: Connection, uuid: str) -> tuple[Size | None, Size | None]:
    seen = find_domain(conn, uuid)
    assert seen is not None
    return seen.live, seen.defined


def test_within_its_ceilings_a_running_domain_grows_live(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", vcpu=ROOM, paused=True)
    assert resize_domain(conn, uuid, 3, 64 * MIB, allow_restart=False) == "live"
    assert sizes(conn, uuid) == (Size(3, 64 * MIB, 4, 64 * MIB), Size(3, 64 * MIB, 4, 64 * MIB))
    assert resize_domain(conn, uuid, 3, 64 * MIB, allow_restart=False) == "none"


def test_beyond_them_nothing_happens_unless_a_restart_is_allowed(
    conn: Connection, domain: MakeDomain
) -> None:
    uuid = domain("web", vcpu=ROOM, paused=True)
    before = sizes(conn, uuid)
    with pytest.raises(Refused, match="can grow to 4 vCPUs and 64MiB of memory"):
        resize_domain(conn, uuid, 5, 64 * MIB, allow_restart=False)
    assert sizes(conn, uuid) == before


def test_a_guest_that_does_not_shut_down_is_not_cut_off(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", paused=True)
    with pytest.raises(Refused, match="did not shut down within"):
        resize_domain(conn, uuid, 2, 128 * MIB, graceful_seconds=0.2)
    live, defined = sizes(conn, uuid)
    assert live == Size(1, 64 * MIB, 1, 64 * MIB), "it runs on"
    assert defined == Size(2, 128 * MIB, 2, 128 * MIB), "its new size waits"


def test_a_restart_gives_the_new_size(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", paused=True)
    assert resize_domain(conn, uuid, 2, 96 * MIB, graceful_seconds=0.2, allow_hard=True) == "restart"
    live, defined = sizes(conn, uuid)
    assert live == defined == Size(2, 96 * MIB, 2, 96 * MIB)


def test_a_restart_cut_off_halfway_is_completed(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web")  # as a crash leaves it: shut off, with its new size
    assert resize_domain(conn, uuid, 1, 64 * MIB) == "none"
    assert sizes(conn, uuid)[0] is None
    assert resize_domain(conn, uuid, 1, 64 * MIB, running=True) == "none"
    assert sizes(conn, uuid)[0] is not None


def test_a_domain_that_is_off_is_changed_and_stays_off(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web")
    assert resize_domain(conn, uuid, 2, 128 * MIB, max_vcpus=4) == "live"
    assert sizes(conn, uuid) == (None, Size(2, 128 * MIB, 4, 128 * MIB))


def test_start_and_stop(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web")
    assert stop_domain(conn, uuid) == "already"
    assert start_domain(conn, uuid)
    assert not start_domain(conn, uuid)
    with pytest.raises(Refused, match="allow a hard power-off"):
        stop_domain(conn, uuid, graceful_seconds=0.2)
    assert stop_domain(conn, uuid, graceful_seconds=0.2, allow_hard=True) == "hard"


def test_a_rename_keeps_the_uuid_and_starts_the_domain_again(conn: Connection, domain: MakeDomain) -> None:
    uuid = domain("web", paused=True)
    other = domain("other")
    with pytest.raises(Refused, match=f"taken by the domain {other}"):
        rename_domain(conn, uuid, "other")
    assert rename_domain(conn, uuid, "www", graceful_seconds=0.2, allow_hard=True)
    assert not rename_domain(conn, uuid, "www")
    seen = find_domain(conn, uuid)
    assert seen is not None
    assert (seen.name, seen.active) == ("www", True)


def test_a_domain_that_is_not_there_is_named(conn: Connection) -> None:
    for change in (
        lambda: start_domain(conn, NOWHERE),
        lambda: stop_domain(conn, NOWHERE),
        lambda: rename_domain(conn, NOWHERE, "x"),
        lambda: resize_domain(conn, NOWHERE, 1, MIB),
    ):
        with pytest.raises(NotFound, match=f"no domain {NOWHERE}"):
            change()
