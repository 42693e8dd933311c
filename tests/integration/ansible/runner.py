"""Runs real playbooks in a process of their own and reads what each task came to.

A playbook is run as a person would: `ansible-playbook` of this environment, ansible.cfg of this repository,
the collection from the tree. Only what is printed differs: one JSON document an event.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PLAYBOOKS = Path(__file__).parent / "playbooks"
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
SECONDS = 240.0

_ENDED = ("v2_runner_on_ok", "v2_runner_on_failed", "v2_runner_on_skipped", "v2_runner_on_unreachable")


@dataclass(frozen=True)
class TaskResult:
    """What one task came to on one host, after how many seconds; `result` is what the module returned."""

    name: str
    host: str
    outcome: str
    result: dict[str, Any]
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed", False))

    @property
    def failed(self) -> bool:
        return self.outcome == "failed"

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def diff(self) -> Any:
        return self.result.get("diff")


@dataclass(frozen=True)
class Run:
    """One run of ansible-playbook: exit code, everything printed, tasks in their order, the recap by host."""

    code: int
    output: str
    tasks: list[TaskResult] = field(default_factory=list)
    stats: dict[str, dict[str, int]] = field(default_factory=dict)

    def require(self) -> "Run":
        """Itself, if it succeeded; raises AssertionError with the failed tasks."""
        assert self.code == 0, f"exit code {self.code}:\n{self.explanation}"
        return self

    def require_failure(self) -> TaskResult:
        """The one task that failed; raises AssertionError if there is none, or more."""
        failed = [task for task in self.tasks if task.failed]
        assert self.code != 0, f"it succeeded:\n{self.output[-4000:]}"
        assert len(failed) == 1, f"exit code {self.code}:\n{self.explanation}"
        return failed[0]

    def task(self, name: str) -> TaskResult:
        """The one result of the task with that name."""
        found = [task for task in self.tasks if task.name == name]
        assert len(found) == 1, f"{len(found)} results of {name!r}:\n{self.explanation}"
        return found[0]

    @property
    def changed(self) -> list[str]:
        """Names of the tasks that changed something."""
        return [task.name for task in self.tasks if task.changed]

    @property
    def explanation(self) -> str:
        """What a person would want to see of a run that surprises."""
        failed = [f"{task.name}: {task.message or task.result}" for task in self.tasks if task.failed]
        return "\n".join(failed) or self.output[-4000:]


RunPlaybook = Callable[..., Run]


def run_playbook(
    playbook: str | Path,
    *arguments: str,
    environment: Mapping[str, str],
    folder: Path,
    inventory: str | Path = "localhost,",
    variables: Mapping[str, Any] | None = None,
    ansible: Path = ANSIBLE_PLAYBOOK,
    seconds: float = SECONDS,
) -> Run:
    """Run a playbook, given as a path or as its text, with `ansible-playbook arguments`.

    `folder` takes in what the run needs to write; `variables` are extra vars.
    """
    path = playbook if isinstance(playbook, Path) else _written(playbook, folder)
    extra = {"ansible_python_interpreter": sys.executable, **(variables or {})}
    given = folder / "variables.json"
    given.write_text(json.dumps(extra))
    given.chmod(0o600)
    argv = [str(ansible), "--inventory", str(inventory), "--extra-vars", f"@{given}", *arguments, str(path)]
    own = _ansible_environment(folder)
    if inventory == "localhost,":
        argv[1:1] = ["--connection", "local"]
        own["ANSIBLE_INVENTORY_ENABLED"] = "ansible.builtin.host_list"
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**environment, **own},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
        check=False,
    )
    return _read(done.returncode, done.stdout, done.stderr)


def clean_environment() -> dict[str, str]:
    """The environment without anything that would lead to another Limen, Pulumi, libvirt or Ansible."""
    foreign = ("LIMEN_", "PULUMI_", "LIBVIRT_", "ANSIBLE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def _ansible_environment(folder: Path) -> dict[str, str]:
    return {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.jsonl",
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_NOCOLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _written(text: str, folder: Path) -> Path:
    path = folder / "playbook.yml"
    path.write_text(text)
    return path


def _read(code: int, stdout: str, stderr: str) -> Run:
    tasks: list[TaskResult] = []
    stats: dict[str, dict[str, int]] = {}
    for line in stdout.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("_event") == "v2_playbook_on_stats":
            stats = event["stats"]
        if event.get("_event") in _ENDED:
            outcome = event["_event"].removeprefix("v2_runner_on_")
            for host, result in event["hosts"].items():
                took = event["task"].get("duration", {})
                tasks.append(TaskResult(event["task"]["name"], host, outcome, result, _seconds(took)))
    return Run(code, stdout + stderr, tasks, stats)


def _seconds(duration: Mapping[str, str]) -> float:
    """From the start of a task to its end on that host; 0 where the callback does not tell."""
    if "end" not in duration:
        return 0.0
    start, end = (datetime.fromisoformat(duration[side]) for side in ("start", "end"))
    return (end - start).total_seconds()
