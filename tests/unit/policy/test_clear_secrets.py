import pytest

from limen_policy.kinds import CLOUD_INIT_DISK, COMBUSTION, IGNITION
from limen_policy.policies.clear_secrets import POLICY
from limen_provider.properties import UNKNOWN, Secret
from tests.unit.policy.stacks import found, made

CLEAR = "#cloud-config\npassword: hunter2\n"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (CLOUD_INIT_DISK, "userData"),
        (CLOUD_INIT_DISK, "metaData"),
        (CLOUD_INIT_DISK, "networkConfig"),
        (IGNITION, "content"),
        (COMBUSTION, "content"),
    ],
)
def test_clear_is_found_and_secret_is_not(kind: str, name: str) -> None:
    assert found(POLICY, made(kind, "seed", **{name: CLEAR})) == [
        f"seed: `{name}` holds a password in clear at password"
    ]
    assert found(POLICY, made(kind, "seed", **{name: Secret(CLEAR)})) == []
    assert found(POLICY, made(kind, "seed", **{name: UNKNOWN})) == [
        f"seed: no-clear-secrets cannot judge it yet, `{name}` is not known before the update"
    ]


def test_its_settings_reach_the_search() -> None:
    seed = made(CLOUD_INIT_DISK, "seed", userData="passwd: $6$salt$hash\npin: 1234\n")
    assert found(POLICY, seed) == []
    assert found(POLICY, seed, hashes=True, keys=["PIN"]) == [
        "seed: `userData` holds a password's hash in clear at passwd",
        "seed: `userData` holds a secret in clear at pin",
    ]
