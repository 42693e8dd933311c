"""Stacks of the scenarios: each test's own, gone afterwards."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

NewStack = Callable[[], Stack]
_numbers = itertools.count(1)


@pytest.fixture
def new_stack(world: World) -> Iterator[NewStack]:
    """Makes stacks; afterwards they are destroyed, and nothing may be left of them anywhere."""
    made: list[Stack] = []

    def make() -> Stack:
        made.append(world.stack(f"s{next(_numbers)}"))
        return made[-1]

    yield make
    for stack in made:
        if stack.resources():
            stack.destroy().require()
    agree(world, preview=False)
    assert world.claims() == []


@pytest.fixture
def stack(new_stack: NewStack) -> Stack:
    return new_stack()
