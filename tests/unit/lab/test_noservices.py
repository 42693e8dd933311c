"""Services do not start because the lab's packages are installed, and nothing of the guard stays."""

from pathlib import Path

import pytest

from tests.lab.noservices import DENY, Guard

ADMINISTRATORS = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """A machine with one service enabled and a policy of its administrator's."""
    guard = Guard(tmp_path)
    enable(guard, "multi-user.target.wants/mine.service")
    guard.policy.parent.mkdir(parents=True)
    guard.policy.write_text(ADMINISTRATORS)
    return guard


def enable(guard: Guard, link: str) -> None:
    path = guard.units / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to("/lib/systemd/system/some.service")


def test_while_packages_are_installed_no_service_may_start(guard: Guard) -> None:
    with guard.on():
        assert guard.policy.read_text() == DENY
        assert guard.policy.stat().st_mode & 0o111
        assert "create_main_cluster = false" in guard.cluster.read_text()


def test_afterwards_the_machine_is_as_it_was(guard: Guard) -> None:
    with guard.on():
        enable(guard, "sockets.target.wants/libvirtd.socket")
    assert guard.policy.read_text() == ADMINISTRATORS
    assert guard.enabled() == ["multi-user.target.wants/mine.service"]
    assert not guard.cluster.exists()
    assert not guard.kept.exists()


def test_a_machine_without_a_policy_has_none_afterwards(tmp_path: Path) -> None:
    guard = Guard(tmp_path)
    with guard.on():
        assert guard.policy.exists()
    assert not guard.policy.exists()


def test_a_failed_installation_lifts_the_guard(guard: Guard) -> None:
    with pytest.raises(ZeroDivisionError), guard.on():
        raise ZeroDivisionError
    assert guard.policy.read_text() == ADMINISTRATORS


def test_what_a_killed_run_left_is_put_right_by_the_next(guard: Guard) -> None:
    guard.set()
    enable(guard, "multi-user.target.wants/libvirtd.service")
    Guard(guard.root).set()  # another process
    Guard(guard.root).lift()
    assert guard.policy.read_text() == ADMINISTRATORS
    assert guard.enabled() == ["multi-user.target.wants/mine.service"]
