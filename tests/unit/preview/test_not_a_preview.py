"""Whatever else is handed in ends with one line and exit code 2, in bounded time and memory."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from limen.preview.documents import MOST_BYTES, read_json
from limen.preview.errors import NotAPreview
from tests.unit.preview.conftest import Run
from tests.unit.preview.previews import DOMAIN, decision, digest, line, log, step

WHOLE = json.dumps(digest(step("create", DOMAIN, "wéb")), ensure_ascii=False).encode()


def _refused(run: Run, content: object, says: str, **more: object) -> None:
    ended = run(content, **more)
    assert (ended.code, ended.out) == (2, ""), content
    assert ended.err.startswith("limen: ")
    assert ended.err.count("\n") == 1, "one line"
    assert says in ended.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe\x00", "is not text"),
        (b"\x00" * 5000, "is not JSON"),
        (b"Previewing update (dev):\n", "is not JSON"),
        (b"<html></html>", "is not JSON"),
        (b"[]", "is no preview"),
        (b"{}", "is no preview"),
        (b'"text"', "is not JSON"),
        (b'{"version": 3, "deployment": {"resources": []}}', "is no preview"),
        (b'{"steps": {}}', "are no list"),
        (b'{"steps": [{"op": "create"}]}', "has no op and urn"),
        (b'{"steps": [], "diagnostics": 1}', "are no list"),
        (b'{"sequence":0,"preludeEvent":{}}\n{"sequence":1,"cancelEvent":{}}', "not JSON from line 2"),
        (b"[" * 200_000 + b"]" * 200_000, "no engine writes"),
        (b'{"steps": [], "duration": ' + b"9" * 10_000 + b"}", "no engine writes"),
    ],
)
def test_other_files(run: Run, content: bytes, says: str) -> None:
    _refused(run, content, says)


def test_a_preview_cut_off_anywhere(run: Run) -> None:
    for end in range(1, len(WHOLE)):
        with pytest.raises(NotAPreview, match=r"^it is cut off before its end: make it again, whole\.$"):
            read_json(io.BytesIO(WHOLE[:end]), "it")
    _refused(run, WHOLE[: len(WHOLE) // 2], "is cut off before its end")


def test_no_more_is_read_than_a_preview_can_have() -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0, "no bound"
            self.taken += size
            return b"[" * size

    endless = Endless()
    with pytest.raises(NotAPreview, match=r"is larger than 32 MiB"):
        read_json(endless, "it")
    assert endless.taken == MOST_BYTES + 1


def test_100_mb_on_standard_input_end_at_once() -> None:
    """As its user runs it; what does not fit is never held."""
    limit = 100 * 1024 * 1024
    done = subprocess.run(
        [Path(sys.executable).with_name("limen"), "preview-report", "-"],
        input=b'{"steps": [' + b"[" * limit,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"limen: Standard input is larger than 32 MiB")
    assert done.stderr.count(b"\n") == 1


def test_files_that_are_not_there_or_cannot_be_written(run: Run, tmp_path: Path) -> None:
    missing = run(WHOLE, "--events", str(tmp_path / "missing"))
    assert missing.code == 2
    assert missing.err == f"limen: {tmp_path / 'missing'} cannot be read: No such file or directory.\n"
    unwritten = run(WHOLE, "--output", str(tmp_path))
    assert unwritten.code == 2
    assert unwritten.err == f"limen: {tmp_path} cannot be written: Is a directory.\n"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b"[1]", b'{"allowed": true}', WHOLE])
def test_a_file_that_is_no_decision(run: Run, content: bytes) -> None:
    _refused(run, WHOLE, "LIMEN_DECISION_FILE", decision=content)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}\n", b"not it\n", log().encode()[:-60]])
def test_a_file_that_is_no_event_log(run: Run, content: bytes) -> None:
    came = decision(line("vms", 4, 0, 0, 1))
    _refused(run, WHOLE, "--event-log", decision=came, events=content)
