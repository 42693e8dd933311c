"""Stacks of the SDK's tests: each test's own, in a project of its own with room, gone afterwards."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

PROJECT = "sdk"
LIMITS = {"vms": "8", "vcpus": "16", "memory": "2GiB", "disk": "1GiB", "networks": "8"}
NewStack = Callable[[], Stack]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def roomy(world: World) -> World:
    world.project(PROJECT, LIMITS)
    return world


@pytest.fixture
def new_stack(roomy: World) -> Iterator[NewStack]:
    """Makes stacks; afterwards they are destroyed, and nothing may be left of them anywhere."""
    made: list[Stack] = []

    def make() -> Stack:
        made.append(roomy.stack(f"k{next(_numbers)}"))
        return made[-1]

    yield make
    for stack in made:
        if resources := stack.resources():
            if any(each.get("protect") for each in resources):
                stack.pulumi("state", "unprotect", "--all", "--yes", "--stack", stack.name).require()
            stack.destroy().require()
    agree(roomy, preview=False)
    assert roomy.usage(PROJECT) == {}


@pytest.fixture
def stack(new_stack: NewStack) -> Stack:
    return new_stack()


def outputs(stack: Stack) -> dict[str, Any]:
    """The outputs of the stack."""
    printed = stack.pulumi("stack", "output", "--json", "--stack", stack.name).require().output
    found: dict[str, Any] = json.loads(printed)
    return found
