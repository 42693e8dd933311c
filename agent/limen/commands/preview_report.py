"""`limen preview-report`: what a preview changes, costs and violates, for the people who review it."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from limen.commands.output import BadInput
from limen.preview import annotations, events, json_document, junit, markdown, quota_table
from limen.preview.documents import MEBIBYTE, read_json, read_lines
from limen.preview.errors import NotAPreview
from limen.preview.model import Policies, Report
from limen.preview.reading import read_preview
from limen.preview.report import judge
from limen.quota.decision_json import DecisionJson

FORMATS: dict[str, Callable[[Report], str]] = {
    "markdown": markdown.render,
    "json": json_document.render,
    "junit": junit.render,
    "github": annotations.render,
}
_DECISION_BYTES = 8 * MEBIBYTE
_NAMES = ", ".join(FORMATS)


def preview_report(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="The output of `pulumi preview --json`.")
    ] = "-",
    decision: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMEN_DECISION_FILE",
            help="The file into which the provider wrote the quota decision, in the same run.",
        ),
    ] = None,
    event_log: Annotated[
        Path | None,
        typer.Option("--events", help="The file of `pulumi preview --event-log`: what policy packs said."),
    ] = None,
    form: Annotated[str, typer.Option("--format", "-f", help=f"{_NAMES}.")] = "markdown",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write there, not to standard output.")
    ] = None,
    write: Annotated[
        list[str] | None,
        typer.Option(metavar="FORMAT=FILE", help="Write this format too; may be given several times."),
    ] = None,
    stack: Annotated[
        str | None, typer.Option(help="What to call the stack; by default PROGRAM/STACK of the preview.")
    ] = None,
) -> None:
    """Report a preview: changes, what happens to VMs and data, quota, policies.

    export LIMEN_DECISION_FILE=decision.json PULUMI_DEBUG_COMMANDS=true
    rm -f decision.json
    pulumi preview --json --event-log events.jsonl >preview.json
    limen preview-report preview.json --events events.jsonl -o comment.md

    Exit codes: 0 it fits; 3 the quota check denies it, or something would
    be made without that check; 4 a policy is violated that is more than
    advice; 1 the preview itself failed; 2 the input is no preview, which
    one line says. All but 2 write the report.

    The Markdown is a comment for a pull request of at most 65,536
    characters. Its first line is a hidden marker, the same in each run of
    a stack, by which a workflow finds its own comment to update. No report
    holds values of properties: they may be secret.
    """
    targets = _targets(form, output, write or [])
    report = _report(file, decision, event_log, stack or "")
    for name, target in targets:
        _put(FORMATS[name](report), target)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _targets(form: str, output: Path | None, written: list[str]) -> list[tuple[str, Path | None]]:
    """What to write where; refuses a wrong command line before anything is read or written."""
    targets = [(form, output)]
    for each in written:
        name, equals, path = each.partition("=")
        if not equals or not path:
            raise BadInput(f"{each!a:.80} is not FORMAT=FILE: write it as junit=preview.xml.")
        targets.append((name, Path(path)))
    for name, _target in targets:
        if name not in FORMATS:
            raise BadInput(f"There is no format {name!a:.40}: choose one of {_NAMES}.")
    return targets


def _report(file: str, decision: Path | None, event_log: Path | None, name: str) -> Report:
    with _opened(file) as stream:
        title = "Standard input" if file == "-" else file
        preview = read_preview(read_json(stream, title))
    decided, question = (None, None) if decision is None else _decision(decision)
    policies = None if event_log is None else _policies(event_log)
    return judge(preview, decided, question, policies, name)


def _decision(path: Path) -> tuple[DecisionJson | None, dict[str, object] | None]:
    """None where there is no file: a preview that fails before the quota check has no decision."""
    if not path.exists():
        return None, None
    with _opened(str(path)) as stream:
        document = read_json(stream, str(path), quota_table.HOW, _DECISION_BYTES)
    return quota_table.read_decision(document, str(path))


def _policies(path: Path) -> Policies:
    with _opened(str(path)) as stream:
        return events.read_events(read_lines(stream, str(path), events.HOW), str(path))


@contextlib.contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as stream:
            yield stream
    except OSError as error:
        raise NotAPreview(f"{name} cannot be read: {error.strerror}.") from error


def _put(text: str, target: Path | None) -> None:
    if target is None:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}.") from error
