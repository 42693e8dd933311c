"""InstallDependencies: what `pulumi install` does, without a package index."""

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2

from tests.unit.toolchain.host import CALL_S, Host

WHEEL = "tinydep-1.0-py3-none-any.whl"


def make_wheel(folder: Path) -> None:
    """A package of one module, so that nothing has to be fetched."""
    info = "tinydep-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("tinydep.py", "VALUE = 7\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinydep\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def install(host: Host) -> Iterator[str]:
    """The lines of the installation, whatever stream they came on."""
    request = language_pb2.InstallDependenciesRequest(info=host.info, directory=str(host.project))
    for message in host.stub.InstallDependencies(request, timeout=3 * CALL_S):
        yield (message.stdout + message.stderr).decode()


def until_failure(lines: Iterator[str]) -> tuple[str, grpc.RpcError]:
    """What was shown before the call failed, and the failure."""
    shown = ""
    try:
        for line in lines:
            shown += line
    except grpc.RpcError as exc:
        return shown, exc
    raise AssertionError(f"the installation did not fail: {shown}")


@pytest.mark.parametrize("toolchain", ["pip", "uv"])
def test_a_missing_virtual_environment_is_made_and_filled(host: Host, toolchain: str) -> None:
    make_wheel(host.project)
    host.write(f"./{WHEEL}\n", "requirements.txt")
    host.options = {"virtualenv": "venv", "toolchain": toolchain}
    shown = "".join(install(host))
    assert shown.startswith(f"Creating virtual environment {host.project / 'venv'}\n")
    assert f"Installing dependencies of {host.project}\n" in shown
    python = host.project / "venv" / "bin" / "python"
    value = subprocess.run(
        [python, "-c", "import tinydep; print(tinydep.VALUE)"], capture_output=True, text=True, check=True
    )
    assert value.stdout == "7\n"
    about = host.stub.About(language_pb2.AboutRequest(info=host.info), timeout=CALL_S)
    assert about.executable == str(python)


def test_a_project_that_declares_nothing_needs_nothing(host: Host) -> None:
    assert list(install(host)) == []


def test_a_failed_installation_shows_the_tools_words_and_fails(host: Host) -> None:
    host.write("./not-there-1.0-py3-none-any.whl\n", "requirements.txt")
    shown, failure = until_failure(install(host))
    assert "not-there" in shown
    assert failure.code() is grpc.StatusCode.FAILED_PRECONDITION
    title = f"Installing dependencies of {host.project}"
    assert str(failure.details()).startswith(f"{title} failed with exit code 1")
