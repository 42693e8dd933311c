"""A run of steps: what failed is told, what began is ended, and the table says what each took."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.ci import steps
from tests.ci.steps import Run, Step

OK, BAD = ("true",), ("false",)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def run(tmp_path: Path, said: list[str]) -> Run:
    ticks = iter(range(10_000))
    return Run(tmp_path, tmp_path / "log", clock=lambda: float(next(ticks)), say=said.append)


def python(name: str, script: str) -> Step:
    return Step(name, (sys.executable, "-S", "-c", script))


def test_a_step_holds_by_its_exit_code(run: Run) -> None:
    assert run.step(Step("good", OK))
    assert not run.step(Step("bad", BAD))
    assert [row.outcome for row in run.rows] == ["ok", "FAILED (exit code 1)"]


def test_the_table_tells_what_failed_what_each_took_and_what_was_not_begun(run: Run) -> None:
    run.step(Step("good", OK))
    run.step(Step("bad", BAD))
    lines = [line.split(None, 2) for line in run.table(["good", "bad", "later"]).splitlines()[1:-1]]
    assert [line[2] for line in lines] == ["good: ok", "bad: FAILED (exit code 1)", "later: not begun"]
    assert all(float(line[1]) > 0 for line in lines[:2])
    assert run.table().splitlines()[-1].endswith("in all")


def test_lanes_all_end_and_one_step_that_fails_stops_no_other_and_counts(run: Run, said: list[str]) -> None:
    hello = python("says hello", "print('hello')")
    assert not run.together([[hello, Step("bad", BAD), Step("good", OK)], [Step("other", OK)]])
    assert {row.name for row in run.rows} == {"says hello", "bad", "good", "other"}
    assert any("its output\nhello\n" in text for text in said)
    assert run.together([[Step("good", OK)], []])


def test_the_steps_of_a_lane_come_in_turn_and_lanes_run_at_once(run: Run, tmp_path: Path) -> None:
    """Each lane waits for what the other one does: in turn they would wait for ever."""
    for name in ("ping", "pong"):
        os.mkfifo(tmp_path / name)
    lanes = [
        [python("asks", "open('ping', 'w').write('x')"), python("hears", "open('pong').read()")],
        [python("is asked", "open('ping').read()"), python("answers", "open('pong', 'w').write('x')")],
    ]
    assert run.together(lanes)
    begun = {row.name: row.begun for row in run.rows}
    assert begun["asks"] < begun["hears"]
    assert begun["is asked"] < begun["answers"]


def test_what_still_runs_is_ended_with_all_that_it_began_and_told(run: Run, tmp_path: Path) -> None:
    """The first of the group is gone when asked to; its child does not listen."""
    os.mkfifo(tmp_path / "ready")
    child = f"trap '' TERM; echo $$ >{tmp_path}/ready; exec sleep 600"
    one = run.begin(Step("for ever", ("sh", "-c", f'sh -c "{child}" & wait')), tmp_path / "out")
    pid = int((tmp_path / "ready").read_text())
    watched = os.pidfd_open(pid)
    try:
        run.stop()
        with pytest.raises(ProcessLookupError):
            signal.pidfd_send_signal(watched, signal.SIGKILL)
    finally:
        os.close(watched)
    assert one.process.returncode is not None
    assert [row.outcome for row in run.rows] == ["STOPPED"]


def test_one_that_does_not_listen_is_killed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "ready")
    script = "import signal; signal.signal(15, signal.SIG_IGN); open('ready', 'w').close(); signal.pause()"
    one = run.begin(python("deaf", script), tmp_path / "out")
    (tmp_path / "ready").read_text()
    run.stop()
    assert one.process.returncode == -signal.SIGKILL
