"""Run one Pulumi program to its end.

Runs in the program's interpreter, which has to have the Pulumi SDK. The first line of standard input is
a JSON object that describes the run: never arguments or environment, since configuration holds secrets.

Exit code: 0 when the program and all its resources succeeded; REPORTED when it failed and the engine has
been told why; whatever the program passed to sys.exit; 1 when even that could not be reported.
"""

import asyncio
import json
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, TracebackType
from typing import Any, NoReturn

# The official host's code for "the user has been shown what went wrong, say no more".
REPORTED = 32
MAIN = "__main__.py"


def user_frames(exc: BaseException, directory: str) -> TracebackType | None:
    """The traceback from the program's first own frame on: what is above is Pulumi's machinery."""
    frame = exc.__traceback__
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        # "<frozen runpy>" and its like are no files.
        if not name.startswith("<") and os.path.realpath(name).startswith(directory + os.sep):
            return frame
        frame = frame.tb_next
    # A file that does not compile has no frames; the error itself says where it is.
    return None if isinstance(exc, SyntaxError) else exc.__traceback__


def describe(exc: BaseException, directory: str) -> str:
    """The text a person gets to see for an exception nobody caught."""
    lines = traceback.format_exception(type(exc), exc, user_frames(exc, directory))
    return "Program failed with an unhandled exception:\n" + "".join(lines).rstrip()


class NoProgram(Exception):
    """There is nothing to run; the text says what to do."""


def program_file(directory: str, entry_point: str) -> str:
    """The file to run. Raises NoProgram."""
    path = os.path.normpath(os.path.join(directory, entry_point or "."))
    if os.path.isdir(path):
        path = os.path.join(path, MAIN)
    if not os.path.isfile(path):
        raise NoProgram(f"there is no {path}: write the program there, or set `main` in Pulumi.yaml")
    return path


async def run_in_stack(file: str, parallel: int) -> None:
    """Run the file inside of the stack's root resource and wait for every resource it registered."""
    import pulumi.runtime

    loop = asyncio.get_running_loop()
    # Each registration waits in a thread; fewer threads than that would limit the engine's parallelism.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=4 * max(parallel, 1)))
    # A failed output is reported through the task that awaits it; asyncio's own complaint would repeat it.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    def program() -> None:
        runpy.run_path(file, run_name="__main__")

    await pulumi.runtime.run_in_stack(program)


def execute(run: dict[str, Any]) -> int:
    """Run the described program and return the exit code."""
    import grpc
    import pulumi
    import pulumi.runtime

    pulumi.runtime.set_all_config(run["config"], run["config_secret_keys"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=run["monitor"],
            engine=run["engine"],
            project=run["project"],
            stack=run["stack"],
            parallel=run["parallel"],
            dry_run=run["dry_run"],
            organization=run["organization"],
            root_directory=run["root_directory"],
        )
    )
    directory = os.path.realpath(run["program_directory"])
    try:
        file = program_file(run["program_directory"], run["entry_point"])
        # As if the file had been started directly: it may import its neighbours, also in callbacks later on.
        sys.path.insert(0, os.path.dirname(file))
        sys.argv = [file, *run["args"]]
        asyncio.run(run_in_stack(file, run["parallel"]))
        return 0
    except (NoProgram, pulumi.RunError) as exc:
        pulumi.log.error(str(exc))
    except grpc.RpcError as exc:
        # The monitor goes away when the update was cancelled or has failed already: the engine knows why.
        if exc.code() != grpc.StatusCode.UNAVAILABLE:
            pulumi.log.error(f"the Pulumi engine refused a call: {exc.details()}")
    except KeyboardInterrupt:
        return REPORTED
    except Exception as exc:  # noqa: BLE001  (whatever a program raises is shown)
        pulumi.log.error(describe(exc, directory))
    return REPORTED


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Handle a signal that ends the program."""
    raise KeyboardInterrupt


def main() -> int:
    """Read the description of the run and do it."""
    run = json.loads(sys.stdin.readline())
    # The folder of this file came first on the path; the program's imports must not find what is in it.
    del sys.path[0]
    # Told to stop, a program unwinds at once, so that its own clean-up is done. asyncio would replace
    # Python's own handler of SIGINT by one that waits for the next await.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        # Not `import pulumi`: any folder of that name would satisfy it.
        import pulumi.runtime  # noqa: F401
    except ImportError as exc:
        sys.stderr.write(f"the Pulumi SDK is missing in {sys.executable} ({exc}): run `pulumi install`\n")
        return 1
    try:
        return execute(run)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
