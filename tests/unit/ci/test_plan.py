"""A run of CI: what stands on what, and how the time that is left is given out."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.ci import __main__ as ci
from tests.ci import plan, status
from tests.ci.steps import Alive, Run, Step

BUDGET = 2400.0


class Fake(Run):
    """A run whose steps take as long as the test says and do nothing."""

    def __init__(self, folder: Path, took: dict[str, float], fails: tuple[str, ...] = ()) -> None:
        self.now = 50.0
        super().__init__(folder, folder / "log", clock=lambda: self.now, say=lambda _line: None)
        self.took, self.fails = took, fails
        self.given: dict[str, list[str]] = {}

    def begin(self, step: Step, output: Path | None) -> Alive:
        self.given[step.name] = [str(part) for part in step.argv]
        self.now += self.took.get(step.name, 10.0)
        code = ("false",) if step.name in self.fails else ("true",)
        return super().begin(Step(step.name, code), output)

    def within(self, name: str) -> int:
        """How many seconds the proofs of that step were given."""
        (option,) = [part for part in self.given[name] if part.startswith("--within=")]
        return int(option.partition("=")[2])


def test_all_steps_are_taken_in_a_run_that_holds(tmp_path: Path) -> None:
    run = Fake(tmp_path, {})
    assert plan.carry_out(run, BUDGET, "")
    assert {row.name for row in run.rows} == set(plan.PLANNED)
    assert "not begun" not in run.table(plan.PLANNED)


def test_a_newcomers_steps_stand_on_one_another(tmp_path: Path) -> None:
    run = Fake(tmp_path, {}, fails=("make test, with the VMs up",))
    assert not plan.carry_out(run, BUDGET, "")
    assert [row.name for row in run.rows] == ["make up", "make test, with the VMs up"]
    assert "lint: not begun" in run.table(plan.PLANNED)


@pytest.mark.parametrize(
    "name", [name for name in plan.PLANNED if name not in {s.name for s in plan.NEWCOMER}]
)
def test_each_of_the_others_fails_the_run_and_stops_none(tmp_path: Path, name: str) -> None:
    run = Fake(tmp_path, {}, fails=(name,))
    assert not plan.carry_out(run, BUDGET, "")
    assert {row.name for row in run.rows} == set(plan.PLANNED)


def test_proofs_on_vms_get_what_is_left_of_the_budget(tmp_path: Path) -> None:
    run = Fake(tmp_path, {"make up": 90.0, "make test, with the VMs up": 720.0})
    plan.carry_out(run, BUDGET, "")
    before = run.took["make up"] + run.took["make test, with the VMs up"] + 10 * (len(plan.PLANNED) - 4)
    assert run.within(plan.ON_VMS) == BUDGET - plan.RESERVE - before
    assert run.given[plan.ON_VMS][-1] == "--kind=vm"


def test_scenarios_of_roles_that_changed_come_before_what_is_proven_on_vms(tmp_path: Path) -> None:
    run = Fake(tmp_path, {"make test, with the VMs up": 720.0, plan.SCENARIOS: BUDGET})
    plan.carry_out(run, BUDGET, "")
    assert 0 < run.within(plan.SCENARIOS) < BUDGET - 720
    assert run.within(plan.ON_VMS) == 0


def test_without_any_time_nothing_is_negative_and_the_proofs_are_still_asked(tmp_path: Path) -> None:
    """They say what they leave out, and fail where that is overdue."""
    run = Fake(tmp_path, {"make test, with the VMs up": 5000.0})
    assert plan.carry_out(run, BUDGET, "")
    assert (run.within(plan.SCENARIOS), run.within(plan.ON_VMS)) == (0, 0)


def test_a_wider_budget_is_the_scenarios_too(tmp_path: Path) -> None:
    run = Fake(tmp_path, {})
    plan.carry_out(run, 9000.0, "")
    assert run.within(plan.SCENARIOS) > 8000


@pytest.mark.parametrize(
    ("fails", "downs"), [((), 0), (("make up",), 1), (("make down",), 1), (("lint",), 0)], ids=str
)
def test_what_make_up_made_is_taken_away_however_the_run_ends(
    tmp_path: Path, fails: tuple[str, ...], downs: int
) -> None:
    run = Fake(tmp_path, {}, fails=fails)
    plan.carry_out(run, BUDGET, "")
    assert ci.clear(run)
    assert [row.name for row in run.rows].count(plan.DOWN) == downs


def test_a_teardown_that_fails_is_told(tmp_path: Path) -> None:
    run = Fake(tmp_path, {}, fails=("make up", plan.DOWN))
    plan.carry_out(run, BUDGET, "")
    assert not ci.clear(run)


@pytest.mark.parametrize(("script", "held"), [("exit 3", True), ("exit 0", False), ("exit 1", False)])
def test_only_the_quota_checks_no_is_a_no(tmp_path: Path, script: str, held: bool) -> None:
    limen = tmp_path / "limen"
    limen.write_text(f"#!/bin/sh\n{script}\n")
    limen.chmod(0o755)
    argv = ["bash", "-euo", "pipefail", "-c", f"PATH={tmp_path}:$PATH\n{plan.FULL}"]
    assert (subprocess.run(argv, check=False).returncode == 0) is held


@pytest.mark.parametrize(
    ("script", "held"),
    [
        ("echo 'error: Denied: project demo may not use 1GiB more memory.'; exit 255", True),
        ("echo 'Denied: project demo may not use 1GiB more memory.'", False),
        ("echo 'error: limen-api can not be reached'; exit 255", False),
    ],
)
def test_only_a_denial_is_a_refused_preview(tmp_path: Path, script: str, held: bool) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\n{script}\n")
    pulumi.chmod(0o755)
    argv = ["bash", "-euo", "pipefail", "-c", f"PATH={tmp_path}:$PATH\n{plan.REFUSED}"]
    assert (subprocess.run(argv, capture_output=True, check=False).returncode == 0) is held


def test_a_run_that_leaves_something_behind_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    of = status.porcelain
    monkeypatch.setattr(status, "porcelain", lambda: of(tmp_path))
    monkeypatch.setattr(sys, "argv", ["status", "--as-before", ""])
    assert status.main() == 0
    (tmp_path / "left").touch()
    assert status.main() == 1
    assert "?? left" in capsys.readouterr().out
