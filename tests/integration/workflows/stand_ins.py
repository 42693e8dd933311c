"""Stand-ins for what the pipelines call and cannot have here: GitHub behind `gh`, GitLab's API, packages."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Writes down how it was called, with the files that it was given, and answers as one repository with the
# pull request 12 would: `--jq` has been applied, and `uploads` holds a folder for each artifact.
_GH = """\
#!{python}
import json, os, pathlib, shutil, sys

work, arguments = pathlib.Path({work!r}), sys.argv[1:]
uploads, calls = work / "uploads", work / "calls.jsonl"
fields = [each.partition("=@") for each in arguments if "=@" in each]
call = {{"arguments": arguments, "token": bool(os.environ.get("GH_TOKEN")),
        **{{name: pathlib.Path(file).read_text() for name, _, file in fields}}}}
with calls.open("a") as file:
    print(json.dumps(call), file=file)
said = " ".join(arguments)
if arguments[:2] == ["run", "list"]:
    print(77)
elif arguments[:2] == ["run", "download"]:
    name, folder = (arguments[arguments.index(each) + 1] for each in ("--name", "--dir"))
    if not (uploads / name).is_dir():
        sys.exit(f"no artifact matches any of the names {{name}}")
    shutil.copytree(uploads / name, folder, dirs_exist_ok=True)
elif "/pulls?" in said:
    print(12)
elif "/comments?" in said and (work / "comment").exists():
    print(501)
"""
# Packages are there already: what `pip install` was asked for is written down.
_PYTHON = """\
#!/bin/sh
if [ "$1 $2" = "-m pip" ]; then printf '%s\\n' "$*" >>{work}/pip; exit; fi
exec {python} "$@"
"""


def programs(folder: Path, work: Path) -> Path:
    """Put `gh` and `python3` into `folder`, for the front of PATH."""
    folder.mkdir()
    for name, text in (("gh", _GH), ("python3", _PYTHON)):
        program = folder / name
        program.write_text(text.format(python=sys.executable, work=str(work)))
        program.chmod(0o755)
    return folder


def comment_is_there(work: Path) -> None:
    """From now on the pull request has the comment 501, with the marker that is looked for."""
    (work / "comment").touch()


def calls(work: Path) -> list[dict[str, Any]]:
    """What `gh` was called for, in order."""
    return [json.loads(line) for line in (work / "calls.jsonl").read_text().splitlines()]


@dataclass
class Gitlab:
    """A project on GitLab: the artifacts of its job `up`, and the notes of one merge request."""

    url: str = ""
    artifacts: dict[str, bytes] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)


@contextmanager
def gitlab() -> Iterator[Gitlab]:
    """Serve its API, as far as the pipeline calls it, while the context lasts."""
    project = Gitlab()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, code: int, body: bytes) -> None:
            project.seen.append((self.command, self.path, dict(self.headers)))
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _body(self) -> str:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            return parse_qs(text, keep_blank_values=True)["body"][0]

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            name = path.rpartition("/")[2]
            if path.endswith("/notes"):
                self._answer(200, json.dumps(project.notes).encode())
            elif name in project.artifacts:
                self._answer(200, project.artifacts[name])
            else:
                self._answer(404, b"{}")

        def do_POST(self) -> None:
            project.notes.append({"id": 900 + len(project.notes), "body": self._body()})
            self._answer(201, b"{}")

        def do_PUT(self) -> None:
            (note,) = (each for each in project.notes if self.path.endswith(f"/notes/{each['id']}"))
            note["body"] = self._body()
            self._answer(200, b"{}")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    project.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield project
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
