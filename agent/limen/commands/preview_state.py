"""`limen preview-state`: what a preview without access to the host needs, without any secret."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from limen.commands.output import BadInput, progress, say
from limen.pulumi_cli import PulumiFailed, run_pulumi
from limen.sandbox import document
from limen.sandbox.document import PreviewState
from limen.sandbox.errors import InvalidState, SandboxError
from limen.sandbox.stripping import strip


def preview_state(
    stack: Annotated[str | None, typer.Argument(help="The stack's name; default: the selected one.")] = None,
    cwd: Annotated[Path, typer.Option(help="The Pulumi program's folder.")] = Path(),
    exported: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="What `pulumi stack export` wrote, `-` for standard input."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; default: standard output.")
    ] = None,
    uri: Annotated[
        str | None,
        typer.Option(
            "--connect", "-c", envvar="LIMEN_LIBVIRT_URI", help="The host, if the state names none."
        ),
    ] = None,
) -> None:
    """Write a stack's state for previews that have no access to its host and its secrets.

    To be run where `pulumi up` runs, after it. Every secret of the state is replaced by a placeholder, and
    what programs ask of the host is written down. `limen preview-sandbox --state FILE` reads it.
    """
    stripped = strip(_exported(stack, cwd, exported))
    program, name = document.names(stripped.exported) or _names(stack, cwd)
    if stack is not None and stack.rpartition("/")[2] != name:
        raise BadInput(f"The state is of the stack {name}, not of {stack}.")
    address = document.address(stripped.exported) or uri or ""
    state = PreviewState(
        program=program,
        stack=name,
        uri=address,
        host=_host(address) if address else {},
        secrets=stripped.secrets,
        notes=stripped.notes,
        exported=stripped.exported,
    )
    text = json.dumps(document.to_json(state), indent=1, sort_keys=True) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        _write(output, text)
        say(
            f"The state of {program}/{name} for previews is in {output}; "
            f"placeholders stand for {len(state.secrets)} secrets."
        )


def _exported(stack: str | None, cwd: Path, source: Path | None) -> Any:
    try:
        if source is None:
            text = _export(stack, cwd)
        else:
            text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise BadInput(f"{source} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidState("This is no JSON: give what `pulumi stack export` prints.") from error


def _export(stack: str | None, cwd: Path) -> str:
    chosen = ["--stack", stack] if stack else []
    try:
        return run_pulumi(cwd, "stack", "export", *chosen)
    except OSError as error:
        raise BadInput(f"pulumi cannot be run in {cwd}: {error.strerror}") from error
    except PulumiFailed as error:
        raise SandboxError(f"`pulumi stack export` failed: {error}") from error


def _names(stack: str | None, cwd: Path) -> tuple[str, str]:
    """For a state that holds nothing: what the program is called, and the stack as it was asked for."""
    import yaml

    if stack is None:
        raise BadInput("The state holds nothing, not even its stack's name: name the stack.")
    try:
        project = yaml.safe_load((cwd / "Pulumi.yaml").read_text(encoding="utf-8"))
        return str(project["name"]), stack.rpartition("/")[2]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise BadInput(f"{cwd.resolve()} holds no Pulumi program: name its folder with --cwd.") from error


def _host(uri: str) -> dict[str, Any]:
    # Only this command of the two needs libvirt's Python binding.
    from limen.hypervisor.capabilities import capabilities
    from limen.hypervisor.connection import connect

    with progress(f"Looking at {uri}"), connect(uri) as connection:
        return dict(capabilities(connection).as_answer())


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
