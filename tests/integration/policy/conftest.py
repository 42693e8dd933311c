"""Previews with the policy pack, as a person types them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lab.demo.layout import ROOT
from tests.world import guests
from tests.world.stack import Outcome, Stack
from tests.world.world import World

PACK = ROOT / "pulumi" / "policy"
BROKEN = Path(__file__).parent / "broken"
PROJECT = "policy"
LIMITS = {"vms": "8", "vcpus": "8", "memory": "1GiB", "disk": "1GiB", "networks": "4"}
Preview = Callable[[Mapping[str, Any]], Outcome]


@pytest.fixture(scope="session")
def broken(world: World) -> Stack:
    """A stack that breaks every policy; it is only ever previewed."""
    world.project(PROJECT, LIMITS)
    stack = world.stack("broken", BROKEN)
    image = guests.image(world.image)
    settings = {"project": PROJECT, "host": world.host, "image": image["source"], "sha256": image["sha256"]}
    stack.configure(settings, PROJECT)
    return stack


@pytest.fixture(scope="session")
def preview(broken: Stack) -> Preview:
    """Previews the broken stack with that configuration of the pack."""

    def run(configuration: Mapping[str, Any]) -> Outcome:
        options = ["--policy-pack", str(PACK)]
        if configuration:
            file = broken.folder / "policies.json"
            file.write_text(json.dumps(configuration))
            options += ["--policy-pack-config", str(file)]
        return broken.preview(*options)

    return run
