"""What does not fit is refused at every door of Pulumi, before anything is touched."""

import json
import re
import threading

from tests.integration.scenarios.conftest import NewStack
from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Outcome, Stack
from tests.world.world import LIMITS, World

TOO_MANY = {f"web-{number}": guests.vm() for number in range(1, 6)}
CLAIM = "**limen:index:QuotaClaim::**"


def domain(name: str) -> str:
    """A pattern that meets one VM's domain among the URNs."""
    return f"**libvirt:index/domain:Domain::{name}"


def test_a_stack_that_does_not_fit_is_refused_in_preview_and_in_up(world: World, stack: Stack) -> None:
    stack.configure(world.document(TOO_MANY))
    before = world.virsh("list", "--all")
    for outcome in (stack.preview(), stack.up()):
        assert outcome.code != 0
        words = " ".join(outcome.output.split())
        assert "project demo may not use 5 more vms" in words
        # limit, used, reserved, requested, over by, would fit
        assert "project demo vms 4 0 0 5 1 4" in words
        assert re.search(r"project demo memory 256MiB 0B 0B 320MiB 64MiB 256MiB", words), outcome.output
    assert world.virsh("list", "--all") == before
    assert world.seen().volumes == () or all(volume.role == "image" for volume in world.seen().volumes)
    assert world.claims() == []
    assert world.usage() == {}


def test_the_command_line_says_the_same(world: World, stack: Stack) -> None:
    asked = ("quota", "explain", "demo", "vms=5", "--json")
    outcome = world.limen(*asked)
    assert outcome.code == 3
    [line] = json.loads(outcome.output)["violations"]
    assert (line["scope"], line["resource"], line["limit"]) == ("demo", "vms", LIMITS["vms"])
    assert (line["requested"], line["largest"]) == ("5", "4")


def test_target_and_exclude_are_no_way_around_the_claim(world: World, stack: Stack) -> None:
    stack.configure(world.document(TOO_MANY))
    for options in (
        ("--target", domain("web-1")),
        ("--target", domain("web-1"), "--target-dependents"),
        ("--exclude", CLAIM),
        ("--exclude", CLAIM, "--exclude-dependents"),
    ):
        outcome = stack.up(*options)
        assert world.domains() == {}, f"{options}: {outcome.output}"
        assert world.usage() == {}, f"{options}: {outcome.output}"
    # A stack that fits grows past the limit.
    stack.configure(world.document({"web-1": guests.vm()}))
    stack.up().require()
    stack.configure(world.document({"web-1": guests.vm(memory="512MiB")}))
    for options in (
        ("--target", domain("web-1")),
        ("--target", "**limen:index:Admission::vm:web-1", "--target-dependents"),
        ("--exclude", CLAIM),
    ):
        outcome = stack.up(*options)
        assert world.domains()[f"{stack.name}-web-1"].memory == guests.ONE["memory"], outcome.output
        assert world.usage() == {**guests.ONE, "networks": 1}, outcome.output
    stack.configure(world.document({"web-1": guests.vm()}))
    agree(world, stack)


def test_of_two_that_fit_alone_but_not_together_exactly_one_gets_through(
    world: World, new_stack: NewStack
) -> None:
    stacks = [new_stack(), new_stack()]
    for number, stack in enumerate(stacks, start=61):
        three = {f"web-{n}": guests.vm() for n in range(1, 4)}
        stack.configure(world.document(three, number))
        stack.preview().require()
    outcomes: dict[str, Outcome] = {}

    def run(stack: Stack) -> None:
        outcomes[stack.name] = stack.up()

    threads = [threading.Thread(target=run, args=(stack,)) for stack in stacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [stack for stack in stacks if outcomes[stack.name].code == 0]
    losers = [stack for stack in stacks if stack not in winners]
    said = "\n".join(f"{name}: {outcome.output}" for name, outcome in outcomes.items())
    assert len(winners) == 1, said
    assert "may not use" in outcomes[losers[0].name].output, said
    assert {name.partition("-web")[0] for name in world.domains()} == {winners[0].name}
    assert world.usage()["vms"] == 3
    agree(world, winners[0])
