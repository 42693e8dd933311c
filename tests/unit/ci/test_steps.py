"""A run of steps: what failed is told, what began is ended, and the table says what each took."""

import sys
from pathlib import Path

import pytest

from tests.ci import __main__ as ci
from tests.ci.steps import Run, Step

OK, BAD = ("true",), ("false",)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def run(tmp_path: Path, said: list[str]) -> Run:
    ticks = iter(range(10_000))
    return Run(tmp_path, tmp_path / "log", clock=lambda: float(next(ticks)), say=said.append)


def test_a_step_holds_by_its_exit_code(run: Run) -> None:
    assert run.step(Step("good", OK))
    assert not run.step(Step("bad", BAD))
    assert run.step(Step("refused, as it should be", BAD, code=1))
    assert [row.outcome for row in run.rows] == ["ok", "FAILED (exit code 1, not 0)", "ok"]
    assert "bad: FAILED (exit code 1, not 0)" in run.table()


def test_steps_side_by_side_all_end_and_one_that_fails_counts(run: Run, said: list[str]) -> None:
    hello = Step("says hello", (sys.executable, "-c", "print('hello')"))
    assert not run.together([hello, Step("bad", BAD), Step("good", OK)])
    assert {row.name for row in run.rows} == {"says hello", "bad", "good"}
    assert "hello\n" in said


def test_what_still_runs_is_ended(run: Run) -> None:
    process = run.begin(Step("for ever", ("sleep", "600")), None)
    run.stop()
    assert process.returncode == -15


def test_a_newcomers_steps_stand_on_one_another(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ci, "NEWCOMER", (Step("up", BAD), Step("test", OK)))
    assert not ci.carry_out(run, 100)
    assert [row.name for row in run.rows] == ["up"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A run whose steps are all but empty; what scenarios were given is noted."""
    given: list[float] = []

    def proofs(seconds: float) -> Step:
        given.append(seconds)
        return Step("scenarios", OK)

    for name, value in (("NEWCOMER", (Step("up", OK),)), ("BESIDE", (Step("lint", BAD),))):
        monkeypatch.setattr(ci, name, value)
    monkeypatch.setattr(ci, "FAULTS", Step("faults", OK))
    monkeypatch.setattr(ci, "CLEAN", Step("clean", OK))
    monkeypatch.setattr(ci, "proofs", proofs)
    return given


def test_one_that_fails_stops_no_other_and_fails_the_run(run: Run, short: list[float]) -> None:
    assert not ci.carry_out(run, 1000)
    assert [row.name for row in run.rows] == ["up", "lint", "faults", "scenarios", "clean"]


def test_scenarios_get_the_time_that_is_left(run: Run, short: list[float]) -> None:
    ci.carry_out(run, 1000)
    assert 0 < short[0] < 1000 - ci.RESERVE


def test_no_time_left_is_no_negative_time() -> None:
    assert "--within=0" in ci.proofs(-5.0).argv
