"""The plugin's build mends one function of go-libvirt, and says so when that is not there any more."""

import pytest
from installer import go_libvirt
from installer.errors import BuildError


def test_downloads_are_led_to_our_function_and_nothing_else_changes() -> None:
    source = f"func before() {{}}\n{go_libvirt.AFTER}func after() {{}}\n"
    text = go_libvirt.mended(source)
    assert "return l.download(serial, proc, program, c, in)" in text
    assert [line for line in source.splitlines() if line not in text.splitlines()] == []


@pytest.mark.parametrize("source", ["package libvirt\n", go_libvirt.AFTER * 2])
def test_another_version_ends_the_build_with_what_to_do(source: str) -> None:
    with pytest.raises(BuildError, match=r"installer/go_libvirt\.py"):
        go_libvirt.mended(source)
