# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What the module pulumi_stack does in each of its states, in check mode as well."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass, field

from ansible_collections.limen.platform.plugins.module_utils import pulumi_events
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput, LimenError
from ansible_collections.limen.platform.plugins.module_utils.pulumi_cli import (
    Ended,
    Pulumi,
    PulumiFailed,
    words,
)
from ansible_collections.limen.platform.plugins.module_utils.pulumi_config import Plan, plan
from ansible_collections.limen.platform.plugins.module_utils.pulumi_events import Report

DECISION_FILE = "LIMEN_DECISION_FILE"
"""Names the file into which the provider writes the decision, an admission or a denial."""


@dataclass
class Wanted:
    """The options of the module that the engine is concerned with."""

    state: str
    config: dict[str, t.Any] = field(default_factory=dict)
    secrets: dict[str, t.Any] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)
    refresh: bool = False
    remove: bool = False
    parallel: int | None = None
    update_message: str | None = None
    show_secrets: bool = False
    timeout: int | None = None
    event_log: str | None = None


@dataclass
class Outcome:
    """What came of it; `failure` says what went wrong although some of it may have been done."""

    changed: bool = False
    facts: dict[str, t.Any] = field(default_factory=dict)
    diff: dict[str, t.Any] | None = None
    warnings: list[str] = field(default_factory=list)
    failure: str | None = None


class EngineFailed(LimenError):
    """The engine refused or failed; `report` says how far it came."""

    def __init__(self, message: str, report: Report, decision: dict[str, t.Any] | None) -> None:
        super().__init__(message)
        self.report, self.decision = report, decision


def act(pulumi: Pulumi, wanted: Wanted, check_mode: bool) -> Outcome:
    """Bring the stack into the wanted state, or say what would be done. Raises LimenError."""
    with tempfile.TemporaryDirectory(prefix="limen-pulumi-") as scratch:
        work = _Work(pulumi, wanted, scratch)
        try:
            if wanted.state == "recovered":
                return work.recover(check_mode)
            if wanted.state == "absent":
                return work.destroy(check_mode)
            if wanted.state == "previewed" or check_mode:
                return work.preview()
            return work.apply()
        except EngineFailed as error:
            return _failed(error, check_mode or wanted.state == "previewed")


class _Work:
    """One run of the module; `scratch` is a folder that only its user reads, gone afterwards."""

    def __init__(self, pulumi: Pulumi, wanted: Wanted, scratch: str) -> None:
        self._pulumi, self._wanted, self._scratch = pulumi, wanted, scratch

    def preview(self) -> Outcome:
        """What `present` or `refreshed` would do, by files of its own: nothing of the stack is touched."""
        exists = self._pulumi.exists()
        if self._wanted.state == "refreshed":
            if not exists:
                raise self._missing()
            report, _decision = self._engine(self._pulumi, "refresh", "--preview-only")
            return _outcome(report, "refreshed", changed=report.changed)
        pulumi = self._aside(exists)
        settings = self._configure(pulumi)
        report, _decision = self._engine(pulumi, "preview")
        would = report.changed or bool(settings.keys) or not exists
        outcome = _outcome(report, "previewed", changed=would and self._wanted.state != "previewed")
        outcome.facts.update(pending=would, configured=settings.keys, outputs={})
        return outcome

    def apply(self) -> Outcome:
        """`present` and `refreshed`."""
        created = False
        if not self._pulumi.exists():
            if self._wanted.state == "refreshed":
                raise self._missing()
            # Not `select`: which stack a person's shell works on is not ours to change.
            self._pulumi.run("stack", "init", "--no-select")
            created = True
        settings = self._configure(self._pulumi)
        done = created or bool(settings.keys)
        command = "up" if self._wanted.state == "present" else "refresh"
        try:
            report, _decision = self._engine(self._pulumi, command, "--yes", "--skip-preview")
        except EngineFailed as error:
            error.report.done += done
            raise
        outcome = _outcome(report, self._wanted.state, changed=report.changed or done)
        outcome.facts.update(created=created, configured=settings.keys, outputs=self._outputs())
        return outcome

    def destroy(self, check_mode: bool) -> Outcome:
        if not self._pulumi.exists():
            return Outcome(facts={"state": "absent", "changes": [], "counts": {}, "outputs": {}})
        mode = ("--preview-only",) if check_mode else ("--yes", "--skip-preview")
        report, _decision = self._engine(self._pulumi, "destroy", *mode)
        outcome = _outcome(report, "absent", changed=report.changed or self._wanted.remove)
        if self._wanted.remove and not check_mode:
            self._pulumi.run("stack", "rm", "--yes", "--preserve-config")
        outcome.facts["outputs"] = {}
        return outcome

    def recover(self, check_mode: bool) -> Outcome:
        """By `limen recover`, which knows what an interrupted run may have left behind."""
        if check_mode:
            return Outcome(
                facts={"skipped": True, "msg": "What has to be recovered is not known beforehand."}
            )
        before = self._pulumi.run("stack", "export")
        limen = shutil.which("limen", path=self._pulumi.environment.get("PATH"))
        if limen is None:
            raise InvalidInput(
                "There is no `limen` on this machine's PATH: install Limen, or `. .limen/env`."
            )
        argv = [limen, "recover", self._pulumi.stack, "--cwd", self._pulumi.folder, "--yes", "--json"]
        try:
            done = subprocess.run(
                argv,
                env=self._pulumi.environment,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=self._wanted.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise PulumiFailed(
                "`limen recover` was stopped when its time was over. It can be run again as it is."
            ) from error
        if done.returncode != 0:
            raise PulumiFailed(words(Ended(done.returncode, done.stdout, done.stderr)))
        steps = json.loads(done.stdout)["steps"]
        changed = bool(steps) or _resources(self._pulumi.run("stack", "export")) != _resources(before)
        return Outcome(changed, {"state": "recovered", "steps": steps, "outputs": self._outputs()})

    def _aside(self, exists: bool) -> Pulumi:
        """A Pulumi whose configuration is a copy. A stack that there is not yet is made to be thrown away."""
        name = f"Pulumi.{self._pulumi.stack.rpartition('/')[2]}.yaml"
        copy, own = os.path.join(self._scratch, name), os.path.join(self._pulumi.folder, name)
        if os.path.exists(own):
            shutil.copyfile(own, copy)
        if exists:
            return self._pulumi.elsewhere(copy)
        backend = os.path.join(self._scratch, "backend")
        os.mkdir(backend)
        for program in ("Pulumi.yaml", "Pulumi.yml"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(
                    os.path.join(self._pulumi.folder, program), os.path.join(self._scratch, program)
                )
        aside = self._pulumi.elsewhere(copy, f"file://{backend}")
        aside.run("stack", "init", "--no-select", cwd=self._scratch)
        return aside

    def _configure(self, pulumi: Pulumi) -> Plan:
        """Set what is not as wanted."""
        if not self._wanted.config and not self._wanted.secrets:
            return Plan()
        current = pulumi.json("config", "--show-secrets")
        settings = plan(current, self._wanted.config, self._wanted.secrets, pulumi.program())
        if settings.plain:
            pulumi.run("config", "set-all", "--json", json.dumps(settings.plain))
        for name, value in settings.secrets.items():
            pulumi.run("config", "set", "--secret", "--raw", name, stdin=value)
        for name in settings.removed:
            pulumi.run("config", "rm", name)
        return settings

    def _engine(self, pulumi: Pulumi, *arguments: str) -> tuple[Report, dict[str, t.Any] | None]:
        """Run the engine; raises EngineFailed with what it said and how far it came."""
        log = self._wanted.event_log or os.path.join(self._scratch, "events")
        with open(log, "a", encoding="utf-8"):
            os.chmod(log, 0o600)
        decision_file = os.path.join(self._scratch, "decision.json")
        options = [f"--event-log={log}"]
        options += [f"--target={urn}" for urn in self._wanted.targets]
        options += ["--refresh"] if self._wanted.refresh and arguments[0] != "refresh" else []
        options += [f"--parallel={self._wanted.parallel}"] if self._wanted.parallel else []
        options += [f"--message={self._wanted.update_message}"] if self._wanted.update_message else []
        ended = pulumi.start(
            *arguments, *options, seconds=self._wanted.timeout, environment={DECISION_FILE: decision_file}
        )
        with open(log, encoding="utf-8") as lines:
            report = pulumi_events.read(lines)
        decision = _denial(decision_file)
        if ended.code == 0:
            return report, decision
        raise EngineFailed(_explained(arguments[0], ended, report, decision), report, decision)

    def _outputs(self) -> dict[str, t.Any]:
        options = ("--show-secrets",) if self._wanted.show_secrets else ()
        found: dict[str, t.Any] = self._pulumi.json("stack", "output", *options)
        return found

    def _missing(self) -> InvalidInput:
        return InvalidInput(f"There is no stack {self._pulumi.stack}: make it with `state: present`.")


def _explained(command: str, ended: Ended, report: Report, decision: dict[str, t.Any] | None) -> str:
    """One message: the denial in words, else what failed, else what the CLI said."""
    if ended.late:
        return (
            f"`pulumi {command}` was stopped when its time was over. What it had begun may be half done: run "
            "this module with `state: recovered`, then again."
        )
    if decision is not None:
        return str(decision.get("text", "The quota check denied this stack."))
    if report.errors:
        return "\n".join(report.errors)
    text = words(ended)
    if "currently locked" in text:
        text += " If no `pulumi` runs any more, `state: recovered` unlocks the stack."
    return text


def _outcome(report: Report, state: str, changed: bool) -> Outcome:
    return Outcome(
        changed=changed,
        facts={
            "state": state,
            "changes": [change.summary() for change in report.changes],
            "counts": report.counts,
        },
        diff=report.diff(),
        warnings=report.warnings,
    )


def _failed(error: EngineFailed, only_looked: bool) -> Outcome:
    outcome = _outcome(error.report, "failed", changed=error.report.done > 0 and not only_looked)
    outcome.failure = str(error)
    outcome.facts["denied"] = error.decision is not None
    if error.decision is not None:
        outcome.facts["decision"] = error.decision
    return outcome


def _denial(path: str) -> dict[str, t.Any] | None:
    """The decision that denied the stack; None where it was admitted, or nothing was decided."""
    try:
        with open(path, encoding="utf-8") as file:
            found: dict[str, t.Any] = json.load(file)
    except FileNotFoundError:
        return None
    if found.get("allowed"):
        return None
    # What was asked goes with it for `limen preview-report`, and is no part of a decision.
    found.pop("question", None)
    return found


def _resources(exported: str) -> t.Any:
    """What a state holds, without when it was written."""
    deployment = json.loads(exported).get("deployment") or {}
    return {name: deployment.get(name) for name in ("resources", "pending_operations")}
