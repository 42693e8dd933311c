"""install.py on a machine that has a Pulumi CLI already."""

from pathlib import Path

import pytest

from tests.unit.toolchain.test_install_build import Machine

PULUMI = """#!/bin/sh
echo "$@" >>"$FAKE/pulumi-calls"
case "$1" in
version) echo "v${FAKE_PULUMI:-3.251.0}";;
plugin) [ -n "$FAKE_OFFLINE" ] && { echo "no such host" >&2; exit 1; }
  mkdir -p "$PULUMI_HOME/plugins/resource-libvirt-v0.5.4"
  : >"$PULUMI_HOME/plugins/resource-libvirt-v0.5.4/pulumi-resource-libvirt";;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.program("pulumi", PULUMI)
    made.program("pulumi-language-python", "#!/bin/sh\n")
    return made


def test_a_suitable_official_cli_is_used_with_the_official_plugin(machine: Machine) -> None:
    done = machine.install()
    assert done.returncode == 0, done.stderr
    assert machine.builds == 0
    calls = (machine.folder / "pulumi-calls").read_text().splitlines()
    assert "plugin install resource libvirt v0.5.4" in calls
    assert not (machine.prefix / "bin").exists()
    assert list((machine.home / "plugins").glob("resource-limen-v*/pulumi-resource-limen"))
    printed = machine.install("--print-env").stdout
    assert f"PATH={machine.bin}:" in printed


def test_the_official_plugin_is_fetched_once(machine: Machine) -> None:
    machine.install()
    machine.install()
    calls = (machine.folder / "pulumi-calls").read_text().splitlines()
    assert sum(call.startswith("plugin install") for call in calls) == 1


def test_without_the_official_plugin_ours_is_built_for_the_official_cli(machine: Machine) -> None:
    done = machine.install(FAKE_OFFLINE="1")
    assert done.returncode == 0
    assert "no such host" in done.stderr
    assert machine.builds == 2
    assert (machine.home / "plugins/resource-libvirt-v0.5.4/pulumi-resource-libvirt").exists()


@pytest.mark.parametrize("version", ["3.249.9", "4.0.0", "dev"])
def test_a_cli_out_of_range_is_passed_over_and_said(machine: Machine, version: str) -> None:
    done = machine.install(FAKE_PULUMI=version)
    assert done.returncode == 0
    assert f"it is version {version}, and 3.250.0 or newer, below 4.0.0, is needed" in done.stderr
    assert machine.builds == 3


def test_a_cli_without_its_language_host_is_passed_over(machine: Machine) -> None:
    (machine.bin / "pulumi-language-python").unlink()
    done = machine.install()
    assert "it comes without pulumi-language-python" in done.stderr
    assert machine.builds == 3


def test_an_official_cli_is_left_alone_when_a_build_is_asked_for(machine: Machine) -> None:
    machine.install("--build")
    assert machine.builds == 3


def test_what_limen_installed_is_not_taken_for_official(machine: Machine) -> None:
    machine.install("--build")
    done = machine.install("--build", PATH=f"{machine.prefix / 'bin'}:/usr/bin:/bin:{machine.bin}")
    other = machine.install(PATH=f"{machine.prefix / 'bin'}:{machine.bin}:/usr/bin:/bin")
    assert (done.returncode, other.returncode) == (0, 0)
    assert f"using Pulumi 3.251.0 in {machine.bin}" in other.stderr
