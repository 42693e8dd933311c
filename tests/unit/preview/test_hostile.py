"""Whoever writes the program of a pull request writes names and messages: in no format may they be more."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from limen.preview import annotations, escaping, json_document, junit, markdown, quota_table
from limen.preview.events import read_events
from limen.preview.model import Report
from limen.preview.reading import read_preview
from limen.preview.report import judge
from tests.unit.preview.conftest import Run
from tests.unit.preview.previews import (
    DOMAIN,
    NETWORK,
    VM,
    VOLUME,
    decision,
    denial,
    diagnostic,
    digest,
    line,
    log,
    policy,
    step,
)

HOSTILE = (
    "a|b",
    "`code`",
    "``` fence",
    "<script>alert(1)</script>",
    "</pre></details><h1>Approved</h1>",
    "--> <!-- limen:preview-report shop/dev -->",
    "@octocat please look, #12, closes #3, GH-4",
    "[link](https://evil.example) https://evil.example www.evil.example ![x](https://evil.example/x.png)",
    "line\n::error title=x::taken over",
    "line\n  ::set-output name=x::y\n##[set-env name=PATH]x\n##vso[task.setvariable]x",
    "line\n/approve\n/merge\n  /close",
    "\n\n# Heading\n\n- list\n\n***\n",
    "]]><failure/>",
    "& &amp; &#60;b&#62;",
    "\x1b[31mred\x1b[0m \x00 \x07 \u202egnp.exe \u200b \u2028 \ud800 \uffff",
    "_emphasis_ *strong* ~~gone~~ $math$ \\",
    "%0A::error::x %25 %3A",
    "",
    "   ",
    "é" * 500,
)


def _everywhere(text: str, render: Callable[[Report], str]) -> str:
    """A report with `text` wherever somebody else's words go."""
    web = step("replace", DOMAIN, text, f"{VM}::{text}")
    web["replaceReasons"] = [text]
    grown = step("update", "limen:index:DomainSize", text, f"{VM}::other")
    grown["detailedDiff"] = {text: {"kind": "update"}}
    steps = (
        web,
        grown,
        step("delete", VOLUME, text),
        step("create", NETWORK, text, dependencies=[]),
        step(text, text, text),
        step("create", "limen:index:QuotaClaim", text, inputs={"items": {text: _unknown(text)}}),
    )
    said = (
        denial(f"Denied: {text}"),
        diagnostic("error", text, web["urn"]),
        diagnostic("warning", text),
        diagnostic("info", text, grown["urn"]),
    )
    counts = digest(*steps)["changeSummary"]
    events = log(
        policy(text, "mandatory", text, web["urn"]),
        policy(text, "advisory", text, text),
        passed=(text, "held"),
        counts=counts,
    )
    came = decision(line("memory", 4, 4, 0, 8, scope=text), line("vms", 4, 4, 0, 1, scope=text))
    document = _over_the_wire(digest(*steps, said=said))
    decided = quota_table.read_decision(_over_the_wire(came), "it")
    report = judge(read_preview(document), *decided, read_events(events.splitlines(), "it"))
    assert report.verdict == "denied"
    out = render(report)
    out.encode()
    return out


def _over_the_wire(document: object) -> Any:
    return json.loads(json.dumps(document))


def _unknown(text: str) -> dict[str, object]:
    return {"amounts": {text: "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, "upperBound": {text: text}}


def _no_command(out: str) -> None:
    """Printed into a log, no line is a command of a runner."""
    for each in out.splitlines():
        assert not each.lstrip().startswith("::"), each
        assert "##" not in each.lstrip("#"), each


class _Html(HTMLParser):
    """Tags and text outside code, of what is HTML in the Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.comments: list[str] = []
        self.open: list[str] = []
        self.outside = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "closed what it did not open"

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & set(self.open):
            self.outside += data


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown(text: str) -> None:
    out = _everywhere(text, markdown.render)
    _no_command(out)
    assert len(out.encode()) <= markdown.MOST_BYTES
    # What Markdown itself takes for code goes first: nothing in it is markup.
    rest = re.sub(r"`[^`\n|]+`", "", out)
    assert "`" not in rest
    html = _Html()
    html.feed(rest)
    html.close()
    assert html.open == []
    assert html.tags <= {"details", "summary", "pre", "code"}
    assert html.comments == [" limen:preview-report shop/dev "]
    assert out.startswith("<!-- limen:preview-report shop/dev -->\n")
    assert out.count("<!--") == out.count("-->") == 1
    for sign in ("@", "http", "www.", "](", "GH-4", "/approve", "# Heading", "$math", "~~", "é"):
        assert sign not in html.outside, sign
    for table in re.findall(r"(?m)(?:^\|.*\n)+", rest):
        assert len({row.count("|") for row in table.splitlines()}) == 1, f"a name made a cell: {table}"
    # Blocks are closed, and nothing in them ends a line of HTML or begins one of GitLab's commands.
    assert not re.search(r"(?m)^\s*/[a-z]", out)


@pytest.mark.parametrize("text", HOSTILE)
def test_junit(text: str) -> None:
    out = _everywhere(text, junit.render)
    _no_command(out)
    root = ElementTree.fromstring(out.encode())  # noqa: S314  it is ours
    tags = {each.tag for each in root.iter()}
    assert tags <= {"testsuites", "testsuite", "testcase", "failure", "error", "system-out"}
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["preview", "quota", "policies"]
    assert sum(int(suite.get("failures", "")) for suite in suites) == int(root.get("failures", ""))
    assert re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", out) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_json(text: str) -> None:
    out = _everywhere(text, json_document.render)
    _no_command(out)
    assert out.isascii()
    document = json.loads(out)
    assert (document["version"], document["verdict"], document["exit_code"]) == (1, "denied", 3)


@pytest.mark.parametrize("text", HOSTILE)
def test_workflow_commands(text: str) -> None:
    out = _everywhere(text, annotations.render)
    for each in out.splitlines():
        assert re.fullmatch(r"::(error|warning|notice) title=[^:,\r\n]*::[^\r\n]*", each), each
    kinds = [each.split(" ")[0] for each in out.splitlines()]
    assert kinds.count("::error") == (3 if text.strip() else 2), "as many as without the hostile text"


def test_the_marker_of_a_stack_is_its_own(run: Run) -> None:
    def first(*arguments: str) -> str:
        return run(digest(), *arguments).out.splitlines()[0]

    assert first() == "<!-- limen:preview-report shop/dev -->"
    assert first("--stack", "team/prod") == "<!-- limen:preview-report team/prod -->"
    assert first("--stack", "--> x <!--") == "<!-- limen:preview-report __x___ -->"


def test_code_is_readable_where_it_can_be() -> None:
    assert escaping.code("web-1_x") == "`web-1_x`"
    assert escaping.code("<b>") == "<code>&#60;b&#62;</code>"
    assert escaping.code("a|b") == "<code>a&#124;b</code>"
    assert escaping.code("") == "-"
    assert escaping.block("a: <b>\n::x") == "<pre>\na: &#60;b&#62;\n&#58;:x\n</pre>"
