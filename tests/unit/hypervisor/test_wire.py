import json
from typing import Any

import pytest

from limen.hypervisor import wire
from limen.hypervisor.errors import HypervisorError
from limen.hypervisor.model import (
    DiskSeen,
    DomainSeen,
    Hint,
    HostObservation,
    InterfaceSeen,
    NetworkSeen,
    Size,
    SnapshotSeen,
    VolumeSeen,
)

HINT = Hint("stack", "demo", "claim", "vm:web")
SEEN = HostObservation(
    host_uuid="h",
    domains=(
        DomainSeen(
            uuid="u",
            name="web",
            state="running",
            autostart=True,
            live=Size(1, 2**53 - 1, 2, 2**53 - 1),
            defined=None,
            disks=(
                DiskSeen("vda", "disk", "/p/v", "p", "v", "qcow2", False, 5),
                DiskSeen("hdc", "cdrom", None, None, None, None, True, None),
            ),
            interfaces=(InterfaceSeen("52:54:00:00:00:01", "lan", "virbr0", "vnet0"),),
            snapshots=(SnapshotSeen("before", 7),),
            hint=HINT,
        ),
    ),
    networks=(
        NetworkSeen("n", "lan", True, True, "virbr0", HINT),
        NetworkSeen("m", "old", False, True, None),
    ),
    volumes=(VolumeSeen("p", "v", "k", "/p/v", 5, 3, None, "/p/b", "disk"),),
    unseen_pools=("nfs",),
)


def test_an_observation_survives_json() -> None:
    assert wire.from_json(json.loads(json.dumps(wire.to_json(SEEN)))) == SEEN


def test_amounts_travel_as_strings() -> None:
    data = wire.to_json(SEEN)
    assert data["domains"][0]["live"]["memory"] == str(2**53 - 1)
    assert data["volumes"][0]["capacity"] == "5"


def broken(change: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(wire.to_json(SEEN)))
    change(data)
    return data


@pytest.mark.parametrize(
    "data",
    [
        {},
        broken(lambda data: data.pop("domains")),
        broken(lambda data: data["volumes"][0].update(capacity=5)),
        broken(lambda data: data["volumes"][0].update(capacity="-5")),
        broken(lambda data: data["volumes"][0].update(capacity="٥")),
        broken(lambda data: data["domains"][0].update(surprise=1)),
        broken(lambda data: data["domains"][0]["live"].update(memory="NaN")),
        broken(lambda data: data.update(networks=[1])),
    ],
)
def test_what_is_no_observation_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(HypervisorError, match="no host observation"):
        wire.from_json(data)
