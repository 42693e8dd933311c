"""Why the table is there: libvirt itself runs what such a URI names."""

from pathlib import Path

import libvirt
import pytest

from limen.hypervisor.connection import connect
from limen.hypervisor.errors import HypervisorUnavailable


@pytest.mark.parametrize("name", ["command", "Command", "COMMAND", "%63ommand"])
def test_libvirt_runs_a_program_that_a_uri_names_and_limen_does_not(name: str, tmp_path: Path) -> None:
    program, ran = tmp_path / "program", tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    uri = f"qemu+ssh://host.invalid/system?{name}={program}"
    with pytest.raises(HypervisorUnavailable, match=r"(?i)parameter .command"):
        connect(uri)
    assert not ran.exists()
    with pytest.raises(libvirt.libvirtError):
        libvirt.open(uri)
    assert ran.exists(), "libvirt no longer does that: this test shows nothing any more"
