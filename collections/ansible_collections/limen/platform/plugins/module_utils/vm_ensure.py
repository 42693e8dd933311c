# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""VMs as declared: one bulk look at libvirt and at the ledger, plans, admission of all, then the steps."""

from __future__ import annotations

import functools
import threading
import typing as t
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils import (
    libvirt_host,
    libvirt_steps,
    vm_gate,
    vm_seed,
)
from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.client import Client, Json
from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError
from ansible_collections.limen.platform.plugins.module_utils.libvirt_host import Host
from ansible_collections.limen.platform.plugins.module_utils.running import Result
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Disk, Seen, Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_options import wanted_vms
from ansible_collections.limen.platform.plugins.module_utils.vm_plan import describe, plan
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible, Plan, Step

ADMITTED_AGAIN = "admitted again"
LOWERED = "claim lowered to its size"


@dataclass(frozen=True)
class Job:
    """One declared VM: how it stands in the ledger, what has to be done, what has to be admitted for it."""

    wanted: Wanted
    standing: vm_gate.Standing
    plan: Plan
    items: list[Json]
    lacking: list[str]
    exceeding: list[str]

    @property
    def given_up(self) -> list[str]:
        """Keys of the items that go with the VM; its disks' only where they are deleted."""
        if self.wanted.state != "absent" or not self.standing.own:
            return []
        return [key for key in self.standing.left if self.wanted.remove_disks or not key.startswith("disk:")]

    @property
    def doomed(self) -> list[str]:
        """Volumes to delete, "pool/volume" each."""
        if not self.given_up or not self.wanted.remove_disks or self.standing.claim is None:
            return []
        return [
            item["volume"] for item in self.standing.claim["items"] if item["volume"] and not item["released"]
        ]

    @property
    def sentences(self) -> list[str]:
        """What is done, for a person."""
        done = [step.sentence for step in self.plan.steps]
        if self.relabelled:
            done.insert(0, self.relabelled)
        done += [_deleted(volume) for volume in self.doomed]
        if self.given_up:
            done.append(_given_up(self.given_up))
        return done

    @property
    def relabelled(self) -> str | None:
        """What is put right in the ledger alone; None where the steps bring that about."""
        if self.plan.gated:
            return None
        if self.lacking:
            return ADMITTED_AGAIN
        return LOWERED if self.exceeding else None

    @property
    def changed(self) -> bool:
        return bool(self.sentences)

    @property
    def asks(self) -> bool:
        """Whether its claim has to be written before anything is touched."""
        return bool(self.lacking) and self.standing.own


def ensure(client: Client, options: dict[str, t.Any], check_mode: bool) -> Result:
    """Bring the declared VMs about. Raises LimenError while nothing is touched yet."""
    wanted = wanted_vms(options)
    with libvirt_host.connect(options["uri"]) as host:
        jobs = _jobs(client, host, wanted)
        _require(host, jobs)
        asked = [(job.wanted, job.standing, job.items) for job in jobs if job.asks]
        warnings = [note for job in jobs for note in job.plan.notes]
        if asked and (check_mode or len(asked) > 1):
            warnings += vm_gate.explain(client, host.uuid, asked)
        if check_mode:
            done = {job.wanted.name: job.sentences for job in jobs}
            return _result(options, jobs, done, {job.wanted.name: job.plan.after for job in jobs}, warnings)
        work = Work(client, host)
        failure = work.carry_out([job for job in jobs if job.changed], asked)
        if failure is not None and not work.done:
            raise failure
        result = _result(options, jobs, work.done, _now(host, jobs, work.done), warnings + work.warnings)
    if failure is not None:
        result.failure = str(failure)
        result.facts.update(failure.facts())
    return result


def _jobs(client: Client, host: Host, wanted: t.Sequence[Wanted]) -> list[Job]:
    claims = _Claims(client, host, {each.project for each in wanted})
    seen = host.read({each.name for each in wanted})
    held = claims.wait()
    return [_job(client, host.uuid, each, seen.get(each.name), held[each.project]) for each in wanted]


def _job(client: Client, host: str, wanted: Wanted, seen: Seen | None, claims: t.Sequence[Json]) -> Job:
    standing = vm_gate.stand(client, wanted, seen, claims)
    found = plan(wanted, seen, standing.uuid, host, standing.hint(wanted))
    items = vm_gate.items_of(wanted, found, standing.key)
    lacking = vm_gate.lacking(standing, items)
    if standing.claim is not None and standing.own and standing.claim["project"] != wanted.project:
        lacking = lacking or [standing.key]
    if not standing.own:
        return Job(wanted, standing, found, items, [], [])
    return Job(wanted, standing, found, items, lacking, vm_gate.exceeding(standing, items))


class _Claims:
    """The claims of these projects on this host, fetched while libvirt is read."""

    def __init__(self, client: Client, host: Host, projects: t.Collection[str]) -> None:
        self._found: dict[str, list[Json]] = {}
        self._error: Exception | None = None
        self._thread = threading.Thread(
            target=self._fetch, args=(client, host, sorted(projects)), daemon=True
        )
        self._thread.start()

    def wait(self) -> dict[str, list[Json]]:
        """By project, newest first; raises what the API refused."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found

    def _fetch(self, client: Client, host: Host, projects: t.Sequence[str]) -> None:
        try:
            # Libvirt is asked who it is here too: that takes as long as reading a dozen VMs.
            uuid = host.uuid
            for project in projects:
                self._found[project] = client.get("claims", project=project, host=uuid)
        except Exception as error:  # noqa: BLE001  handed over to `wait`, which raises it
            self._error = error


def _require(host: Host, jobs: t.Sequence[Job]) -> None:
    """Refuse what can't be done, before anything is touched."""
    for job in jobs:
        vm_gate.require_admissible(job.wanted, job.plan, job.standing)
        if job.plan.seen is None and job.wanted.state != "absent":
            host.machine(job.wanted)
            if job.wanted.seed is not None:
                vm_seed.maker()
        for disk in job.plan.new_disks:
            host.run(functools.partial(_require_volume, host, job, disk))


def _require_volume(host: Host, job: Job, disk: Disk) -> None:
    pool = host.handle.storagePoolLookupByName(disk.pool)
    if disk.image is not None:
        where, _slash, name = disk.image.partition("/")
        image = libvirt_steps.find_volume(host.handle.storagePoolLookupByName(where), name)
        if image is None:
            raise NotPossible(
                f"There is no volume {disk.image}, the image of the disk {disk.name} of {job.wanted.name}."
            )
        if image.info()[1] > disk.size:
            least = format_amount(image.info()[1], "disk")
            raise NotPossible(
                f"The disk {disk.name} of {job.wanted.name} must not be smaller than its image {disk.image}, "
                f"which has {least}."
            )
    if disk.key not in job.standing.items and libvirt_steps.find_volume(pool, disk.volume) is not None:
        raise NotPossible(
            f"The volume {disk.identity} is there already, and the ledger does not hold it for "
            f"{job.wanted.name}: name the disk otherwise, or delete the volume."
        )


class Work:
    """Carries out jobs. `done` has what was done, by VM, however it ended."""

    def __init__(self, client: Client, host: Host) -> None:
        self._host = host
        self._gate = vm_gate.Gate(client, host.uuid)
        self.done: dict[str, list[str]] = {}
        self.warnings: list[str] = []

    def carry_out(self, jobs: t.Sequence[Job], asked: t.Sequence[vm_gate.Asked]) -> LimenError | None:
        """Have all admitted, then build one after the other. Returns what stopped it."""
        if not jobs:
            return None
        try:
            with self._gate.beating():
                self._gate.reserve(asked)
                self._ask_to_shut_down(jobs)
                for job in jobs:
                    self._build(job)
                self._give_up(jobs)
        except LimenError as error:
            return error
        return None

    def _build(self, job: Job) -> None:
        if job.asks or job.relabelled or (job.plan.gated and job.standing.own):
            self._gate.admit(job.standing, job.items)
        if job.relabelled:
            self._note(job, job.relabelled)
        workshop = libvirt_steps.Workshop(self._host, job.plan, job.standing.hint(job.wanted))
        for step in job.plan.steps:
            workshop.do(step)
            self._note(job, step.sentence)
        for volume in job.doomed:
            workshop.do(Step("delete_volume", volume, {"identity": volume}))
            self._note(job, _deleted(volume))

    def _give_up(self, jobs: t.Sequence[Job]) -> None:
        keys = [(str(job.standing.claim_id), key) for job in jobs for key in job.given_up]
        self.warnings += self._gate.settle(keys)
        for job in jobs:
            if job.given_up:
                self._note(job, _given_up(job.given_up))

    def _note(self, job: Job, sentence: str) -> None:
        self.done.setdefault(job.wanted.name, []).append(sentence)

    def _ask_to_shut_down(self, jobs: t.Sequence[Job]) -> None:
        """Guests of one list shut down side by side."""
        for job in jobs:
            first = job.plan.steps[0] if job.plan.steps else None
            if first is not None and first.action == "shut_down" and first.with_["seconds"]:
                ask = functools.partial(libvirt_steps.ask_to_shut_down, self._host, job.plan.uuid)
                self._host.run(ask)


def _now(
    host: Host, jobs: t.Sequence[Job], done: t.Mapping[str, list[str]]
) -> dict[str, dict[str, t.Any] | None]:
    """Descriptions by name; what was changed is looked at once more."""
    seen = host.read(set(done)) if done else {}
    now = {job.wanted.name: job.plan.before for job in jobs}
    now.update({name: describe(seen[name]) if name in seen else None for name in done})
    return now


def _result(
    options: t.Mapping[str, t.Any],
    jobs: t.Sequence[Job],
    done: t.Mapping[str, list[str]],
    now: t.Mapping[str, dict[str, t.Any] | None],
    warnings: list[str],
) -> Result:
    changed = [job for job in jobs if done.get(job.wanted.name)]
    vms = [_fact(job, now[job.wanted.name], done.get(job.wanted.name, [])) for job in jobs]
    result = Result(changed=bool(changed), warnings=warnings)
    if options["vms"] is None:
        result.facts = {"vm": vms[0]}
        result.header = jobs[0].wanted.name
        if changed:
            result.before, result.after = jobs[0].plan.before or {}, now[jobs[0].wanted.name] or {}
        return result
    result.facts = {"vms": vms}
    result.header = "VMs"
    if changed:
        result.before = {job.wanted.name: job.plan.before for job in changed if job.plan.before}
        result.after = {job.wanted.name: now[job.wanted.name] for job in changed if now[job.wanted.name]}
    return result


def _fact(job: Job, now: dict[str, t.Any] | None, done: list[str]) -> dict[str, t.Any]:
    if now is None:
        return {
            "name": job.wanted.name,
            "state": "absent",
            "project": job.wanted.project,
            "changes": done,
        }
    return {**now, "uuid": job.plan.uuid, "claim": job.standing.claim_id, "changes": done}


def _deleted(volume: str) -> str:
    return f"disk {volume} deleted: data loss"


def _given_up(keys: t.Sequence[str]) -> str:
    return f"given up: {', '.join(keys)}"
