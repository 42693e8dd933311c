# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What a task declares of a claim, and what of it check mode can foresee."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.limen.platform.plugins.module_utils import claims
from ansible_collections.limen.platform.plugins.module_utils.errors import ApiError, InvalidInput, QuotaDenied

HOST = "5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001"
DISK = {"name": "d", "kind": "disk", "key": None, "volume": "default/d", "amounts": {"disk": "8MiB"}}
OURS = {"backend": "ansible", "project": "limen.platform", "stack": "scratch"}


class Api:
    """Answers reads; a write would be a mistake of check mode."""

    def __init__(self, claim: t.Any = None, allowed: bool = True) -> None:
        self.claim, self.decision = claim, {"allowed": allowed, "text": "Denied: so."}

    def find(self, *path: str) -> t.Any:
        return self.claim

    def get(self, *path: str) -> t.Any:
        return {"id": HOST}

    def post(self, *path: str, body: t.Any) -> t.Any:
        assert path == ("quota", "explain")
        return self.decision


def options(**changed: t.Any) -> dict[str, t.Any]:
    given = {"name": "scratch", "project": "demo", "id": None, "host": "hv", "items": [DISK]}
    return {**given, "state": "reserved", "wait_seconds": 0, "takeover": False, **changed}


def held(**changed: t.Any) -> dict[str, t.Any]:
    item = {
        "key": "disk:d",
        "kind": "disk",
        "name": "d",
        "host": HOST,
        "volume": "default/d",
        "fence": "1",
        "state": "committed",
        "released": False,
        "claimed": {"disk": str(8 * 2**20)},
    }
    return {"project": "demo", "fingerprint": OURS, "items": [{**item, **changed}]}


def foretell(api: Api, **changed: t.Any) -> t.Any:
    return claims.ensure(t.cast(t.Any, api), options(**changed), True)


@pytest.mark.parametrize(
    ("claim", "changed"),
    [
        (None, True),
        (held(), False),
        (held(state="building"), False),
        (held(claimed={"disk": str(9 * 2**20)}), False),
        (held(claimed={"disk": "1"}), True),
        (held(state="reserved"), True),
        (held(state="lapsing"), True),
        (held(released=True), True),
        (held(name="other"), True),
        (held(volume="default/other"), True),
        (held(host="other"), True),
        ({**held(), "project": "other"}, True),
    ],
)
def test_what_is_not_held_for_this_playbook_is_reserved(claim: t.Any, changed: bool) -> None:
    assert foretell(Api(claim)).changed is changed


def test_check_mode_foresees_refusals() -> None:
    with pytest.raises(QuotaDenied, match="Denied: so"):
        foretell(Api(allowed=False))
    foreign = {**held(state="lapsing"), "fingerprint": {**OURS, "backend": "file:///state"}}
    with pytest.raises(ApiError, match="was not made by a playbook"):
        foretell(Api(foreign))
    assert foretell(Api(foreign), takeover=True).changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"project": "Demo"}, "'Demo' is not a project name"),
        ({"id": "x"}, "'x' is no UUID"),
        ({"items": [DISK, DISK]}, "items names disk:d more than once"),
        ({"items": [{**DISK, "volume": None}]}, "a disk needs volume"),
        ({"items": [{**DISK, "kind": "vm"}]}, "nothing else has one"),
        ({"items": [{**DISK, "amounts": None}]}, "amounts says nothing"),
        ({"items": []}, "name the host and at least one item"),
    ],
)
def test_bad_input_is_refused(changed: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        foretell(Api(), **changed)


def test_a_network_counts_without_saying() -> None:
    network = {"name": "lan", "kind": "network", "key": None, "volume": None, "amounts": None}
    result = foretell(Api(), items=[network])
    assert result.after == {"network:lan": "networks=1"}
    assert list(result.facts["uuids"]) == ["network:lan"]
