"""The versions that have to agree with each other."""

import re
import tomllib

import pytest
from installer import cache, pins
from installer.errors import ToolchainError


def extras() -> dict[str, str]:
    project = tomllib.loads((pins.REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [line.split("==") for line in project["optional-dependencies"]["pulumi"] if "==" in line]
    return {name: version for name, version in wanted}  # noqa: C416  (pairs, checked to be pairs)


def test_cli_and_sdk_are_of_one_version() -> None:
    assert extras()["pulumi"] == pins.cli().version


def test_libvirt_plugin_and_sdk_are_of_one_version() -> None:
    assert extras()["pulumi-libvirt"] == pins.libvirt_plugin().version
    bridge = (pins.libvirt_plugin().folder / "bridge" / "bridge.go").read_text()
    assert re.search(r'^var Version = "(.+)"$', bridge, re.MULTILINE).group(1) == pins.LIBVIRT_PLUGIN  # type: ignore[union-attr]


def test_every_module_is_pinned_by_its_checksum() -> None:
    for component in (pins.cli(), pins.libvirt_plugin()):
        assert all(path.is_file() for path in cache.sources(component))
        assert (component.folder / "go.sum").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("v3.250.0", (3, 250, 0)), ("go1.25.11", (1, 25, 11)), ("3.251.0-alpha.1+dirty", (3, 251, 0))],
)
def test_versions_are_compared_as_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert pins.version_tuple(text) == numbers


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(ToolchainError, match="'unknown' is no version number"):
        pins.version_tuple("unknown")
