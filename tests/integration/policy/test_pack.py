"""The policy pack in the real engine: each policy broken, and what its configuration makes of that."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.policy.conftest import PACK, Preview
from tests.lab.demo.program import PROGRAM
from tests.world import guests
from tests.world.stack import Outcome
from tests.world.world import LIMITS, PROJECT, World

FOUND = {
    "admitted": (
        "bare: hangs on no Admission of kind vm, so nobody admitted it",
        "borrowed: is not called web on the host, which is what vm:web admits",
        "borrowed: has a `memory` of 512, more than vm:web admits",
        "borrowed: shares its Admission with web, but one Admission admits one thing",
        "lan: is not called lan on the host, which is what network:lan admits",
        "stray: hangs on no Admission of kind disk, so nobody admitted it",
    ),
    "protected-data-disks": ("stray: is a data disk without protection: `pulumi destroy` would delete it",),
    "owned": ("bare: has no owner and no project: it hangs on no Admission that names them",),
    "checked-images": (
        "web: is made of idle, but disk:web names no checksum of that image",
        "web-page: is filled from `source`, which has no checksum",
    ),
    "no-clear-secrets": ("clear: `userData` holds a password in clear at users[0].plain_text_passwd",),
}
NOT_KNOWN = {
    "owned": "vague: owned cannot judge it yet, `owner` of vm:vague is not known before the update",
    "no-clear-secrets": (
        "later: no-clear-secrets cannot judge it yet, `userData` is not known before the update"
    ),
}
POLICIES = pytest.mark.parametrize("policy", FOUND)


def said(outcome: Outcome, level: str, policy: str) -> set[str]:
    """What the engine printed as findings of that policy, at that level."""
    found = re.findall(
        rf"- \[{level}\] \[severity: \w+\]  {re.escape(policy)}  \(.*\)\n +(.*)", outcome.output
    )
    return set(found)


@pytest.fixture(scope="module")
def mandatory(preview: Preview) -> Outcome:
    """Previewed as the pack is shipped."""
    return preview({})


@pytest.fixture(scope="module")
def advisory(preview: Preview) -> Outcome:
    return preview({"all": "advisory"})


@POLICIES
def test_a_broken_policy_fails_the_preview_and_says_why(mandatory: Outcome, policy: str) -> None:
    assert mandatory.code != 0
    assert said(mandatory, "mandatory", policy) >= set(FOUND[policy])


@POLICIES
def test_an_advisory_policy_says_the_same_and_lets_the_preview_pass(advisory: Outcome, policy: str) -> None:
    assert advisory.code == 0, advisory.output
    assert said(advisory, "advisory", policy) >= set(FOUND[policy])


@pytest.mark.parametrize("policy", NOT_KNOWN)
def test_what_is_not_known_yet_is_said_and_does_not_pass_in_silence(mandatory: Outcome, policy: str) -> None:
    assert NOT_KNOWN[policy] in said(mandatory, "advisory", policy)


def test_secrets_are_not_repeated_and_a_pulumi_secret_is_no_finding(mandatory: Outcome) -> None:
    assert "hunter2" not in mandatory.output
    assert not {text for text in said(mandatory, r"\w+", "no-clear-secrets") if text.startswith("secret:")}


def test_each_policy_takes_its_own_configuration(preview: Preview) -> None:
    outcome = preview(
        {
            "admitted": "disabled",
            "checked-images": {"enforcementLevel": "disabled", "sources": ["https://"]},
            "protected-data-disks": {"enforcementLevel": "advisory", "roots": True},
            "owned": {"enforcementLevel": "mandatory", "unknown": "mandatory", "owner": "team-.*"},
            "no-clear-secrets": {"enforcementLevel": "advisory", "unknown": "mandatory", "keys": ["name"]},
        }
    )
    assert outcome.code != 0
    assert not said(outcome, r"\w+", "admitted")
    assert not said(outcome, r"\w+", "checked-images")
    roots = "web: is a root disk without protection: `pulumi destroy` would delete it"
    assert roots in said(outcome, "advisory", "protected-data-disks")
    assert said(outcome, "mandatory", "owned") >= {
        NOT_KNOWN["owned"],
        "web: is owned by the tests, which does not match team-.*",
    }
    # What a policy cannot judge is never graver than what it finds.
    assert said(outcome, "advisory", "no-clear-secrets") >= {
        NOT_KNOWN["no-clear-secrets"],
        "clear: `userData` holds a secret in clear at users[0].name",
    }


@pytest.mark.parametrize(
    ("configuration", "text"),
    [
        ({"protected-data-disks": {"roots": "perhaps"}}, "protected-data-disks: roots: Invalid type"),
        ({"owned": {"project": "web"}}, "the policy owned has no setting project; known are projects, owner"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused(
    preview: Preview, configuration: dict[str, Any], text: str
) -> None:
    outcome = preview(configuration)
    assert outcome.code != 0
    assert text in outcome.output


@pytest.fixture
def demo_with_room(world: World) -> Iterator[None]:
    """Project demo with room for what is shipped, beside what other tests may have left charged."""
    wide = {"vms": "8", "vcpus": "8", "memory": "4GiB", "disk": "64GiB", "networks": "8"}
    world.client.set_limits(PROJECT, {name: {"hard": amount} for name, amount in wide.items()})
    yield
    world.client.set_limits(PROJECT, {name: {"hard": amount} for name, amount in LIMITS.items()})


@pytest.mark.usefixtures("demo_with_room")
def test_the_shipped_stack_passes_every_policy(world: World) -> None:
    stack = world.stack("shipped")
    stack.config_file.write_text((PROGRAM / "Pulumi.dev.yaml.example").read_text())
    key = stack.folder / "id.pub"
    key.write_text("ssh-ed25519 AAAA test\n")
    image = guests.image(world.image)
    stack.environment |= {
        "LIMEN_SSH_PUBLIC_KEY_FILE": str(key),
        "LIMEN_IMAGE": image["source"],
        "LIMEN_IMAGE_SHA256": image["sha256"],
    }
    outcome = stack.preview("--policy-pack", str(PACK)).require()
    version = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())["version"]
    assert f"✅ limen@v{version}" in outcome.output
    assert not re.findall(r"\[(?:mandatory|advisory)\]|warning", outcome.output)
