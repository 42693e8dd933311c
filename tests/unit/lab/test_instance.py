"""Names and folders of a lab."""

from pathlib import Path

import pytest

from tests.lab.errors import LabError
from tests.lab.instance import BASE, cache_root, instance


def test_two_names_are_two_hosts_and_one_name_is_always_the_same() -> None:
    assert instance("one").host_uuid == instance("one").host_uuid
    assert instance("one").host_uuid != instance("two").host_uuid


@pytest.mark.parametrize("name", ["", "Dev", "nine99999", "a-b", "a b", "ä", "a/b"])
def test_a_name_that_no_network_card_can_have_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="1 to 8 lower-case letters and digits"):
        instance(name)


def test_names_of_network_cards_are_short_enough_for_the_kernel() -> None:
    lab = instance("a1234567")
    assert max(len(lab.host_card), len(lab.lab_card)) <= 15


def test_a_state_folder_too_long_for_a_socket_is_refused() -> None:
    with pytest.raises(LabError, match="too long"):
        instance("dev", Path("/tmp") / ("x" * 90))


def test_the_state_stands_below_the_common_folder_unless_another_is_named(tmp_path: Path) -> None:
    assert instance("dev").state == BASE / "dev"
    assert instance("dev", tmp_path).libvirt_uri == f"qemu+unix:///system?socket={tmp_path}/run/libvirt-sock"


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIMEN_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_root() == Path("/x/limen")
    monkeypatch.setenv("LIMEN_CACHE_DIR", "/y")
    assert cache_root() == Path("/y")
