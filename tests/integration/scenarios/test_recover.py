"""`limen recover` where a kill at the wrong moment left more than a lock."""

from pathlib import Path

from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World


def test_a_state_whose_attributes_were_never_written_is_read_again(world: World, stack: Stack) -> None:
    stack.configure(world.document({"web-1": guests.vm()}))
    stack.up().require()
    backend = Path(stack.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    [attributes] = backend.glob(f".pulumi/stacks/*/{stack.name}.json.attrs")
    # As SIGKILL leaves it between the file's creation and its first byte.
    attributes.write_bytes(b"")
    broken = stack.pulumi("stack", "export")
    assert "failed to load checkpoint" in broken.output
    world.limen("recover", stack.name, "--cwd", str(stack.folder), "--yes").require()
    assert "1 created" not in stack.up().require().output
    agree(world, stack)
