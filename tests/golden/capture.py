"""The previews of `cases`, made by the real engine on a world, as files."""

import io
import json
from pathlib import Path
from typing import Any

from limen.preview import annotations, events, json_document, junit, markdown, quota_table
from limen.preview.documents import read_json, read_lines
from limen.preview.model import Report
from limen.preview.reading import read_preview
from limen.preview.report import judge
from tests.golden.cases import LIMITS, PROJECT, UNKNOWN, Case, document
from tests.golden.normal import normal
from tests.lab.demo.layout import ROOT
from tests.world.stack import Stack
from tests.world.world import World

FOLDER = Path(__file__).with_name("reports")
REPORTS = {
    "report.md": markdown.render,
    "report.json": json_document.render,
    "report.xml": junit.render,
    "report.txt": annotations.render,
}
Files = dict[str, str]


class Previews:
    """Makes the cases' previews on a world. Close it: some are of a stack that is brought up, once."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.project(PROJECT, LIMITS)
        self._shop, self._unknown = world.stack("shop"), world.stack("unknown", UNKNOWN)

    def capture(self, case: Case) -> Files:
        """The case's documents, normalised, and the reports that are drawn from them."""
        if case.built and not self._shop.resources():
            self._shop.configure(document(self._world), project=PROJECT)
            self._shop.up().require()
        return draw(_preview(self._world, self._unknown if case.unknown else self._shop, case))

    def close(self) -> None:
        """Leave nothing of the stack."""
        if self._shop.resources():
            self._shop.destroy().require()


def _preview(world: World, stack: Stack, case: Case) -> Files:
    log, decision = stack.folder / "events.jsonl", stack.folder / "decision.json"
    decision.unlink(missing_ok=True)
    stack.configure(case.document(world), project=PROJECT)
    usual = stack.environment
    stack.environment = {
        **usual,
        **case.environment,
        "LIMEN_DECISION_FILE": str(decision),
        "PULUMI_DEBUG_COMMANDS": "true",
    }
    try:
        ended = stack.preview("--json", "--event-log", str(log), *case.options)
    finally:
        stack.environment = usual
    lab = world.lab.instance
    found = normal(
        {
            "preview": json.loads(ended.output),
            "decision": json.loads(decision.read_text()) if decision.exists() else None,
            "events": [json.loads(line) for line in log.read_text().splitlines()],
        },
        {str(ROOT): "/limen", str(lab.state): "/lab", lab.name: "lab"},
    )
    files = {"preview.json": _written(found["preview"])}
    if found["decision"] is not None:
        files["decision.json"] = _written(found["decision"])
    if case.options:
        files["events.jsonl"] = "".join(json.dumps(event) + "\n" for event in found["events"])
    return files


def draw(documents: Files) -> Files:
    """The documents and their reports."""
    report = read(documents)
    return {**documents, **{name: render(report) for name, render in REPORTS.items()}}


def read(documents: Files) -> Report:
    """The report of stored documents, read as the command reads them."""

    def stream(name: str) -> io.BytesIO:
        return io.BytesIO(documents[name].encode())

    preview = read_preview(read_json(stream("preview.json"), "preview.json"))
    decided: tuple[Any, Any] = (None, None)
    if "decision.json" in documents:
        decided = quota_table.read_decision(read_json(stream("decision.json"), "it"), "it")
    policies = None
    if "events.jsonl" in documents:
        policies = events.read_events(read_lines(stream("events.jsonl"), "it", ""), "it")
    return judge(preview, *decided, policies)


def stored(case: Case) -> Files:
    """The files of a case as they are in the repository."""
    return {path.name: path.read_text() for path in sorted((FOLDER / case.name).glob("*"))}


def reports(files: Files) -> Files:
    return {name: files[name] for name in REPORTS if name in files}


def _written(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
