"""Programs run by the language host: what the engine is told, and what the person gets to see."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from tests.unit.toolchain.host import Host, gone

SLEEPER = """
import os, pulumi, time
try:
    pulumi.log.info(f"pid {os.getpid()}")
    time.sleep(600)
finally:
    open("unwound", "w").close()
"""


def sleeping_program(host: Host) -> tuple[threading.Thread, list[object], int]:
    """A program that would run for minutes: the thread that waits for its answer, the answer, its pid."""
    host.write(SLEEPER)
    answers: list[object] = []

    def wait() -> None:
        try:
            answers.append(host.run())
        except Exception as exc:  # noqa: BLE001  (the test looks at it)
            answers.append(exc)

    thread = threading.Thread(target=wait)
    thread.start()
    assert host.engine.informed.wait(30)
    return thread, answers, int(host.engine.infos[0].removeprefix("pid "))


def test_a_program_registers_its_resources_and_exports(host: Host) -> None:
    host.write("import neighbour\n")
    host.write(
        """
import sys, pulumi
config = pulumi.Config()
pulumi.ComponentResource("test:index:Thing", "thing")
pulumi.export("dry_run", pulumi.runtime.is_dry_run())
pulumi.export("stack", pulumi.get_organization() + "/" + pulumi.get_project() + "/" + pulumi.get_stack())
pulumi.export("plain", config.require("plain"))
pulumi.export("arguments", sys.argv[1:])
""",
        "neighbour.py",
    )
    answer = host.run(dryRun=True, config={"tiny:plain": "value"}, args=["one"])
    assert (answer.error, answer.bail) == ("", False)
    assert host.engine.registered == ["pulumi:pulumi:Stack", "test:index:Thing"]
    assert host.engine.outputs["dry_run"] is True
    assert host.engine.outputs["stack"] == "organization/tiny/dev"
    assert host.engine.outputs["plain"] == "value"
    assert list(host.engine.outputs["arguments"]) == ["one"]


def test_secret_configuration_is_secret_and_in_no_environment_or_command_line(host: Host) -> None:
    host.write(
        """
import json, os, sys, pulumi
place = open("/proc/self/cmdline").read() + open("/proc/self/environ").read() + json.dumps(dict(os.environ))
pulumi.export("seen", "hunter2" in place)
pulumi.export("password", pulumi.Config().get("password"))
pulumi.export("is_secret", pulumi.runtime.is_config_secret("tiny:password"))
"""
    )
    answer = host.run(config={"tiny:password": "hunter2"}, configSecretKeys=["tiny:password"])
    assert (answer.error, answer.bail) == ("", False)
    assert host.engine.outputs["seen"] is False
    assert host.engine.outputs["is_secret"] is True


def test_what_a_program_prints_comes_out(host: Host) -> None:
    host.write("import sys\nprint('to out')\nprint('to err', file=sys.stderr)\n")
    host.run()
    printed = host.end().splitlines()
    assert "to out" in printed
    assert "to err" in printed


def test_an_exception_is_shown_with_the_programs_own_frames_only(host: Host) -> None:
    main = host.write("def deep():\n    raise ValueError('no luck')\n\ndeep()\n")
    answer = host.run()
    assert (answer.error, answer.bail) == ("", True)
    [message] = host.engine.errors
    assert message.splitlines()[:2] == [
        "Program failed with an unhandled exception:",
        "Traceback (most recent call last):",
    ]
    assert f'File "{main}", line 4, in <module>' in message
    assert f'File "{main}", line 2, in deep' in message
    assert message.endswith("ValueError: no luck")
    assert "runpy" not in message
    assert "run_program.py" not in message


def test_an_exception_in_a_callback_is_shown_and_fails_the_run(host: Host) -> None:
    host.write("import pulumi\npulumi.Output.from_input(3).apply(lambda n: {}[n])\n")
    answer = host.run()
    assert (answer.error, answer.bail) == ("", True)
    [message] = host.engine.errors
    assert "line 2, in <lambda>" in message
    assert message.endswith("KeyError: 3")


def test_a_syntax_error_is_shown_where_it_is(host: Host) -> None:
    main = host.write("value = (\n")
    assert host.run().bail
    [message] = host.engine.errors
    assert f'File "{main}", line 1' in message
    assert message.endswith("SyntaxError: '(' was never closed")
    assert "runpy" not in message


def test_a_run_error_is_a_sentence_without_traceback(host: Host) -> None:
    host.write("import pulumi\nraise pulumi.RunError('vms: 3 asked, 2 left')\n")
    assert host.run().bail
    assert host.engine.errors == ["vms: 3 asked, 2 left"]


def test_an_exit_code_is_named(host: Host) -> None:
    host.write("import sys\nsys.exit(3)\n")
    answer = host.run()
    assert (answer.error, answer.bail) == ("Program exited with non-zero exit code: 3", False)


def test_a_killed_program_is_named_by_its_signal(host: Host) -> None:
    host.write("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    assert host.run().error == "Program was ended by SIGKILL"


def test_a_project_without_a_program_says_where_it_should_be(host: Host) -> None:
    assert host.run().bail
    [message] = host.engine.errors
    assert message.startswith(f"there is no {host.project / '__main__.py'}: ")


def test_a_virtual_environment_that_is_not_there_is_said_before_anything_runs(host: Host) -> None:
    host.write("import pulumi\n")
    host.options = {"virtualenv": "venv"}
    answer = host.run()
    assert answer.error == (
        f"there is no Python at {host.project / 'venv/bin/python'}: run `pulumi install`, "
        "or correct runtime.options.virtualenv in Pulumi.yaml"
    )
    assert host.engine.registered == []


def test_an_interpreter_without_the_sdk_says_so(start_host: Callable[..., Host], tmp_path: Path) -> None:
    bare = tmp_path / "bare" / "bin" / "python"
    bare.parent.mkdir(parents=True)
    # -S: no site-packages; -I: no PYTHONPATH. Nothing but the standard library.
    bare.write_text(f'#!/bin/sh\nexec {os.path.realpath("/proc/self/exe")} -S -I "$@"\n')
    bare.chmod(0o755)
    host = start_host(LIMEN_PYTHON=str(bare))
    host.write("import pulumi\n")
    assert host.run().error == "Program exited with non-zero exit code: 1"
    assert "the Pulumi SDK is missing in" in host.end()


def test_cancel_lets_the_program_unwind_and_ends_it(host: Host) -> None:
    thread, answers, pid = sleeping_program(host)
    host.cancel()
    thread.join(10)
    assert len(answers) == 1
    assert gone(pid)
    assert (host.project / "unwound").exists()


def test_an_interrupted_host_ends_its_program_first(host: Host) -> None:
    thread, answers, pid = sleeping_program(host)
    host.end()
    thread.join(10)
    assert len(answers) == 1
    assert gone(pid)
    assert host.process.returncode == 0


def test_a_killed_engine_leaves_neither_host_nor_program(host: Host) -> None:
    thread, _, pid = sleeping_program(host)
    host.engine.stop()
    host.process.wait(30)
    thread.join(10)
    assert gone(pid)


def test_the_engines_last_resort_kills_the_program_with_the_host(host: Host) -> None:
    thread, _, pid = sleeping_program(host)
    os.killpg(host.process.pid, signal.SIGKILL)
    thread.join(10)
    assert gone(pid)
