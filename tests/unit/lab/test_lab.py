"""Which hypervisor is used."""

import pytest

from tests.lab.lab import real_host


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        (None, None),
        ("", None),
        ("qemu+unix:///system?socket=/var/lib/limen-lab/dev/run/libvirt-sock", None),
        ("qemu+ssh://root@host/system", "qemu+ssh://root@host/system"),
        ("qemu:///system", "qemu:///system"),
    ],
)
def test_a_real_host_is_used_where_one_is_named_and_it_is_no_lab(
    uri: str | None, host: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIMEN_LIBVIRT_URI", raising=False)
    if uri is not None:
        monkeypatch.setenv("LIMEN_LIBVIRT_URI", uri)
    assert real_host() == host
