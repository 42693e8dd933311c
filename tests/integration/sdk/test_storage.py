"""An image by URL, shared by two stacks."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.integration.sdk.conftest import PROJECT, NewStack
from tests.world import guests
from tests.world.agreement import agree
from tests.world.world import World


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """No log: the tests' output is the tests'."""


@pytest.fixture
def url(roomy: World) -> Iterator[str]:
    """Where the idle image is served."""
    handler = functools.partial(_Silent, directory=str(roomy.image.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{roomy.image.name}"
        server.shutdown()
        thread.join()


def words(text: str) -> str:
    return " ".join(text.split())


def test_two_stacks_share_an_image_from_the_web(roomy: World, new_stack: NewStack, url: str) -> None:
    stacks = [new_stack(), new_stack()]
    for number, stack in enumerate(stacks, start=72):
        # Nothing is left in the cache of who runs the tests.
        stack.environment["XDG_CACHE_HOME"] = str(stack.folder / "cache")
        document = roomy.document({"web": guests.vm()}, number)
        document["images"]["idle"]["source"] = url
        stack.configure(document, PROJECT)
    first, second = stacks
    wrong = roomy.document({"web": guests.vm()}, 72)
    wrong["images"]["idle"] = {"source": url, "sha256": "ab" * 32}
    first.configure(wrong, PROJECT)
    outcome = first.up()
    assert outcome.code != 0
    right = guests.image(roomy.image)["sha256"]
    assert f"{url} has the SHA-256 {right}, not {'ab' * 32}" in words(outcome.output)
    assert roomy.domains() == {}
    wrong["images"]["idle"] = {"source": f"{url}.gone", "sha256": "ab" * 32}
    first.configure(wrong, PROJECT)
    outcome = first.up()
    assert outcome.code != 0
    assert f"{url}.gone cannot be fetched" in words(outcome.output)
    wrong["images"]["idle"] = {"source": url, "sha256": right}
    first.configure(wrong, PROJECT)
    first.up().require()
    second.up().require()
    images = [volume.name for volume in roomy.seen().volumes if volume.role == "image"]
    assert len([name for name in images if right[:8] in name]) == 1
    assert roomy.usage(PROJECT)["disk"] == 2 * guests.ONE["disk"]
    agree(roomy, *stacks, preview=False)

    first.destroy().require()
    assert images == [volume.name for volume in roomy.seen().volumes if volume.role == "image"]
    name = f"{second.name}-web"
    roomy.virsh("destroy", name)
    roomy.virsh("start", name)
    assert roomy.domains()[name].state == "running"
    agree(roomy, second)
