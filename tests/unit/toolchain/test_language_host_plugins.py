"""RunPlugin: policy packs and plugins written in Python."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import language_pb2

from tests.unit.toolchain.host import CALL_S, Host, gone


def run_plugin(host: Host, kind: str, **fields: Any) -> Any:
    """Start the plugin in the project's folder; iterate for its output."""
    request = language_pb2.RunPluginRequest(
        info=host.info, pwd=str(host.project), kind=kind, args=["127.0.0.1:1"], **fields
    )
    return host.stub.RunPlugin(request, timeout=CALL_S)


def collect(messages: Iterator[Any]) -> dict[str, Any]:
    """Everything the plugin wrote, and its exit code."""
    seen: dict[str, Any] = {"stdout": b"", "stderr": b""}
    for message in messages:
        kind = message.WhichOneof("output")
        if kind == "exitcode":
            seen[kind] = message.exitcode
        else:
            seen[kind] += getattr(message, kind)
    return seen


def test_a_plugin_gets_arguments_and_environment_and_its_exit_code_comes_back(host: Host) -> None:
    host.write(
        "import os, sys\nprint(sys.argv[1:], os.environ['WHO'])\nprint('no', file=sys.stderr)\nsys.exit(4)\n"
    )
    seen = collect(run_plugin(host, "resource", env=["WHO=me=you"]))
    assert seen == {"stdout": b"['127.0.0.1:1'] me=you\n", "stderr": b"no\n", "exitcode": 4}


def test_a_policy_pack_is_run_by_the_sdks_own_runner(host: Host) -> None:
    host.write("import pulumi.runtime\nprint('pack', pulumi.runtime.get_config('a:b'))\n")
    seen = collect(run_plugin(host, "analyzer", env=['PULUMI_CONFIG={"a:b": "c"}']))
    assert seen == {"stdout": b"pack c\n", "stderr": b"", "exitcode": 0}


def test_a_folder_without_a_plugin_is_refused(host: Host) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        collect(run_plugin(host, "resource"))
    assert caught.value.details() == (
        f"{host.project} is no Python plugin: it has no __main__.py and no pyproject.toml"
    )


def test_a_cancelled_call_ends_the_plugin(host: Host) -> None:
    host.write("import os, threading\nprint(os.getpid(), flush=True)\nthreading.Event().wait()\n")
    call = run_plugin(host, "resource")
    pid = int(next(call).stdout)
    call.cancel()
    assert gone(pid)


def test_two_plugins_run_side_by_side(host: Host) -> None:
    host.write("import sys\nprint('port', flush=True)\nprint(sys.stdin.read())\n")
    results: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: results.append(collect(run_plugin(host, "resource"))))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CALL_S)
    assert [seen["exitcode"] for seen in results] == [0, 0]
