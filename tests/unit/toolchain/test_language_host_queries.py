"""What the language host answers about a project, and what it declines."""

import platform
import subprocess
import sys
from collections.abc import Callable

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2

from tests.unit.toolchain.conftest import TOOLCHAIN
from tests.unit.toolchain.host import CALL_S, Host


def test_about_names_the_interpreter_of_the_program(host: Host) -> None:
    answer = host.stub.About(language_pb2.AboutRequest(info=host.info), timeout=CALL_S)
    assert (answer.executable, answer.version) == (sys.executable, platform.python_version())


def test_the_host_gives_the_sdks_version_as_its_own(host: Host) -> None:
    assert host.stub.GetPluginInfo(empty_pb2.Empty(), timeout=CALL_S).version == "3.250.0"


def test_required_packages_are_those_of_the_installed_sdks(host: Host) -> None:
    request = language_pb2.GetRequiredPackagesRequest(info=host.info)
    packages = host.stub.GetRequiredPackages(request, timeout=CALL_S).packages
    assert ("libvirt", "resource", "0.5.4") in [(item.name, item.kind, item.version) for item in packages]
    older = language_pb2.GetRequiredPluginsRequest(info=host.info)
    plugins = host.stub.GetRequiredPlugins(older, timeout=CALL_S).plugins
    assert [item.name for item in plugins] == [item.name for item in packages]


def test_direct_dependencies_are_what_no_other_package_needs(host: Host) -> None:
    request = language_pb2.GetProgramDependenciesRequest(info=host.info)
    direct = {item.name for item in host.stub.GetProgramDependencies(request, timeout=CALL_S).dependencies}
    request.transitiveDependencies = True
    every = {
        item.name: item.version
        for item in host.stub.GetProgramDependencies(request, timeout=CALL_S).dependencies
    }
    assert every["pulumi"] == "3.250.0"
    assert "grpcio" in every
    assert "grpcio" not in direct
    assert direct < set(every)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"virtualenf": "venv"}, "unknown runtime option 'virtualenf' in Pulumi.yaml"),
        ({"virtualenv": 3}, "runtime option 'virtualenv' in Pulumi.yaml must be the path of a folder"),
        ({"toolchain": "poetry"}, "runtime option 'toolchain' in Pulumi.yaml is 'poetry'"),
    ],
)
def test_a_bad_option_is_refused_by_name(host: Host, options: dict[str, object], message: str) -> None:
    host.options = options
    with pytest.raises(grpc.RpcError) as caught:
        host.stub.About(language_pb2.AboutRequest(info=host.info), timeout=CALL_S)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert str(caught.value.details()).startswith(message)
    assert host.run().error.startswith(message)


def test_a_wrong_limen_python_is_said(start_host: Callable[..., Host]) -> None:
    host = start_host(LIMEN_PYTHON="/nowhere/python")
    with pytest.raises(grpc.RpcError) as caught:
        host.stub.About(language_pb2.AboutRequest(info=host.info), timeout=CALL_S)
    assert caught.value.details() == "there is no Python at /nowhere/python: correct or unset LIMEN_PYTHON"


def test_new_projects_get_no_questions_and_no_template_work(host: Host) -> None:
    prompts = host.stub.RuntimeOptionsPrompts(
        language_pb2.RuntimeOptionsRequest(info=host.info), timeout=CALL_S
    )
    assert list(prompts.prompts) == []
    host.stub.Template(language_pb2.TemplateRequest(info=host.info, project_name="tiny"), timeout=CALL_S)
    host.stub.Handshake(language_pb2.LanguageHandshakeRequest(), timeout=CALL_S)


@pytest.mark.parametrize(
    ("method", "request_type"),
    [
        ("GenerateProject", language_pb2.GenerateProjectRequest),
        ("GeneratePackage", language_pb2.GeneratePackageRequest),
        ("Pack", language_pb2.PackRequest),
        ("Link", language_pb2.LinkRequest),
    ],
)
def test_what_only_the_official_host_does_is_declined_with_a_way_out(
    host: Host, method: str, request_type: type
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(host.stub, method)(request_type(), timeout=CALL_S)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "install the official Pulumi CLI" in str(caught.value.details())


def test_the_host_loads_its_messages_and_not_the_sdk() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import language_host.__main__; "
        "assert 'pulumi' not in sys.modules; from pulumi.runtime.proto import language_pb2; import pulumi"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, TOOLCHAIN], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
