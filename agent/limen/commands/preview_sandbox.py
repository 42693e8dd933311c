"""`limen preview-sandbox`: run a preview that has no access to the host."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from limen.commands.output import BadInput, say
from limen.sandbox.document import PreviewState, from_json
from limen.sandbox.errors import InvalidState

_PREVIEW = ("pulumi", "preview", "--json")
_SHOWN = 8


def preview_sandbox(
    state: Annotated[Path, typer.Option(help="The file that `limen preview-state` wrote, `-` for stdin.")],
    command: Annotated[
        list[str] | None, typer.Argument(help=f"What to run; default: {' '.join(_PREVIEW)}.")
    ] = None,
    cwd: Annotated[Path, typer.Option(help="The Pulumi program's folder.")] = Path(),
) -> None:
    """Run a preview of the program in a folder without access to its host, its state and its secrets.

    The command (`-- pulumi preview --json --policy-pack DIR`) gets an empty libvirt and a backend of its
    own, with the state of FILE and placeholders for the secrets. It asks limen-api whether all fits, with
    LIMEN_API_URL and a token of the scope `quota:check`. Nothing can be built: `pulumi up` is refused. The
    exit code is the command's, and so is standard output alone.

    This keeps mistakes from the host. Against a program that means harm, run it on a machine that has no way
    to the host, as a user who can read nothing of yours.
    """
    if shutil.which("pulumi") is None:
        raise BadInput("pulumi is not on PATH: load the env file first, `. .limen/env`.")
    found = _read(state)
    # Only here Pulumi's own libraries are needed.
    from limen.sandbox.running import interruptible, run, sandbox

    program = cwd.resolve()
    with interruptible(), sandbox(found, program) as prepared:
        for sentence in _sentences(found, prepared.secrets):
            say(sentence)
        code = run(command or _PREVIEW, program, prepared.environment)
    raise typer.Exit(code)


def _read(path: Path) -> PreviewState:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        return from_json(json.loads(text))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidState("The state is no JSON: give the file that `limen preview-state` wrote.") from error


def _sentences(state: PreviewState, configured: Sequence[str]) -> Iterable[str]:
    """What this preview cannot see."""
    yield (
        f"Preview of {state.program}/{state.stack} by its state alone: what changed on the host since is not "
        "seen."
    )
    yield from state.notes
    if missing := [*configured, *state.secrets]:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        yield (
            f"{len(missing)} secrets are placeholders here, so that changes of them are not seen, and what "
            f"is made of them may look changed: {', '.join(missing[:_SHOWN])}{more}."
        )
