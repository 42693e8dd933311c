# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of a VM: counted by the quota check before they are made, given back when they are seen gone."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils import libvirt_host, vm_gate
from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.client import Client, Json
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.libvirt_snapshots import Snapshots
from ansible_collections.limen.platform.plugins.module_utils.names import check_project_name
from ansible_collections.limen.platform.plugins.module_utils.running import Result
from ansible_collections.limen.platform.plugins.module_utils.snapshot_xml import Snapshot
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Seen, Size, Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Wish:
    """What a task declares, checked."""

    vm: str
    project: str
    name: str
    state: str
    description: str

    @property
    def key(self) -> str:
        """The snapshot's key in its claim."""
        return f"snapshot:{self.vm}-{self.name}".lower()

    @property
    def wanted(self) -> Wanted:
        """The VM, as the gate knows it."""
        return Wanted(self.vm, self.project, "defined")

    @property
    def beside(self) -> Wanted:
        """Who holds snapshots of a VM whose own claim is another's to change."""
        return Wanted(f"{self.vm} snapshots", self.project, "defined")


@dataclass(frozen=True)
class Scene:
    """The VM with its snapshots, and how they stand in the ledger."""

    wish: Wish
    seen: Seen
    snapshots: dict[str, Snapshot]
    standing: vm_gate.Standing
    holder: vm_gate.Standing
    held: Json | None

    @property
    def identity(self) -> str:
        return f"{self.seen.uuid}/{self.wish.name}"

    @property
    def snapshot(self) -> Snapshot | None:
        return self.snapshots.get(self.wish.name)


def ensure(client: Client, options: dict[str, t.Any], check_mode: bool) -> Result:
    """Bring the declared snapshot about. Raises LimenError before anything is touched."""
    wish = _wish(options)
    with libvirt_host.connect(options["uri"]) as host:
        seen = host.read({wish.vm}).get(wish.vm)
        if seen is None:
            if wish.state == "absent":
                return Result(facts={"snapshots": []})
            raise NotPossible(f"There is no VM {wish.vm} at {host.uri}.")
        library = Snapshots(host, seen.uuid)
        scene = _scene(client, wish, host.uuid, seen, library.list())
        if wish.state == "listed":
            return Result(facts={"snapshots": _listed(scene)})
        act = {"present": _present, "absent": _absent, "reverted": _reverted}[wish.state]
        result = act(client, host.uuid, library, scene, check_mode)
        if result.changed and not check_mode:
            scene = Scene(wish, seen, library.list(), scene.standing, scene.holder, scene.held)
        result.facts = {"snapshots": _listed(scene)}
    if not result.changed:
        result.before = result.after = None
    result.header = f"snapshots of {wish.vm}"
    return result


def _wish(options: t.Mapping[str, t.Any]) -> Wish:
    for what in ("vm", "name"):
        if options[what] is not None and not _NAME.fullmatch(options[what]):
            raise InvalidInput(
                f"{options[what]!a:.80} is not the name of a {'VM' if what == 'vm' else 'snapshot'}: use "
                "letters, digits, dots, underscores, hyphens, beginning with a letter or digit."
            )
    return Wish(
        options["vm"],
        check_project_name(options["project"]),
        options["name"] or "",
        options["state"],
        options["description"] or "",
    )


def _scene(client: Client, wish: Wish, host: str, seen: Seen, snapshots: dict[str, Snapshot]) -> Scene:
    claims = client.get("claims", project=wish.project, host=host)
    standing = vm_gate.stand(client, wish.wanted, seen, claims)
    if standing.claim is None:
        raise vm_gate.NotAdmitted(
            f"The domain {wish.vm} ({seen.uuid}) is not Limen's: nobody was admitted for it."
        )
    if standing.claim["project"] != wish.project:
        raise NotPossible(
            f"{wish.vm} is charged to the project {standing.claim['project']}, not to {wish.project}: "
            "name that project."
        )
    identity = f"{seen.uuid}/{wish.name}"
    for claim in claims:
        for item in claim["items"]:
            if item.get("snapshot") == identity:
                return Scene(
                    wish, seen, snapshots, standing, vm_gate.Standing(claim["id"], item["key"], claim), item
                )
    holder = standing if standing.own else vm_gate.stand(client, wish.beside, None, claims)
    return Scene(wish, seen, snapshots, standing, holder, None)


def _present(client: Client, host: str, library: Snapshots, scene: Scene, check_mode: bool) -> Result:
    result = Result(before=_drawn(scene))
    wish = scene.wish
    if scene.snapshot is None:
        library.require_possible()
    disk = (
        library.disk(scene.seen)
        if scene.snapshot is None
        else scene.snapshot.disk(library.capacities(scene.seen))
    )
    item = {
        "key": scene.held["key"] if scene.held else wish.key,
        "kind": "snapshot",
        "name": f"{wish.vm} {wish.name}",
        "snapshot": scene.identity,
        "amounts": {"snapshots": "1", "disk": str(disk)} if disk else {"snapshots": "1"},
    }
    lacking = vm_gate.lacking(scene.holder, [item])
    result.changed = scene.snapshot is None or bool(lacking)
    result.after = {**result.before, wish.name: _size(disk)}
    _admit(
        client,
        host,
        scene,
        item,
        lacking,
        check_mode,
        result,
        lambda: library.make(wish.name, wish.description),
    )
    return result


def _admit(
    client: Client,
    host: str,
    scene: Scene,
    item: Json,
    lacking: list[str],
    check_mode: bool,
    result: Result,
    build: t.Callable[[], None],
) -> None:
    """Have the item admitted, then build what is not there yet."""
    who = scene.wish.wanted if scene.holder.claim_id == scene.standing.claim_id else scene.wish.beside
    asked = [(who, scene.holder, [item])] if lacking else []
    if check_mode:
        result.warnings += vm_gate.explain(client, host, asked)
        return
    if not result.changed:
        return
    gate = vm_gate.Gate(client, host)
    with gate.beating():
        gate.reserve(asked)
        gate.admit(scene.holder, [item])
        if scene.snapshot is None:
            build()


def _absent(client: Client, host: str, library: Snapshots, scene: Scene, check_mode: bool) -> Result:
    result = Result(before=_drawn(scene))
    held = scene.held is not None and not scene.held["released"]
    result.changed = scene.snapshot is not None or held
    result.after = {name: size for name, size in result.before.items() if name != scene.wish.name}
    if check_mode or not result.changed:
        return result
    if scene.snapshot is not None:
        library.delete(scene.wish.name)
    if scene.held is not None and held:
        gate = vm_gate.Gate(client, host)
        result.warnings += gate.settle([(str(scene.holder.claim_id), scene.held["key"])])
    return result


def _reverted(client: Client, host: str, library: Snapshots, scene: Scene, check_mode: bool) -> Result:
    """Back to the snapshot, which may be larger than the VM is now: that is admitted first."""
    snapshot = scene.snapshot
    if snapshot is None:
        raise NotPossible(f"{scene.wish.vm} has no snapshot {scene.wish.name}.")
    size = snapshot.size
    result = Result(changed=True, before=_state(scene.seen.state, scene.seen.size))
    result.after = _state(snapshot.state, size)
    amounts = {"vms": "1", "vcpus": str(size.vcpus), "memory": str(size.memory)}
    item = {"key": scene.standing.key, "kind": "vm", "name": scene.wish.vm, "amounts": amounts}
    lacking = vm_gate.lacking(scene.standing, [item])
    if lacking and not scene.standing.own:
        raise vm_gate.NotAdmitted(
            f"The snapshot {scene.wish.name} of {scene.wish.vm} is larger than {scene.standing.owner} was "
            "admitted for: let it grow there first."
        )
    asked = [(scene.wish.wanted, scene.standing, [item])] if lacking else []
    if check_mode:
        result.warnings += vm_gate.explain(client, host, asked)
        return result
    gate = vm_gate.Gate(client, host)
    with gate.beating():
        gate.reserve(asked)
        if scene.standing.own:
            gate.admit(scene.standing, [item])
        library.revert(scene.wish.name)
    return result


def _listed(scene: Scene) -> list[dict[str, t.Any]]:
    return [
        {
            "name": snapshot.name,
            "state": snapshot.state,
            "created": snapshot.created,
            "description": snapshot.description,
            "parent": snapshot.parent,
            "current": snapshot.current,
        }
        for snapshot in sorted(
            scene.snapshots.values(), key=lambda snapshot: (snapshot.created, snapshot.name)
        )
    ]


def _drawn(scene: Scene) -> dict[str, t.Any]:
    capacities = {disk.target: disk.capacity or 0 for disk in scene.seen.disks}
    return {name: _size(snapshot.disk(capacities)) for name, snapshot in sorted(scene.snapshots.items())}


def _size(disk: int) -> str:
    return f"up to {format_amount(disk, 'disk')}"


def _state(state: str, size: Size) -> dict[str, t.Any]:
    return {"state": state, "vcpus": size.vcpus, "memory": format_amount(size.memory, "memory")}
