"""For the tests of roles: what only a guest with a kernel of its own can show."""

import os

import pytest

KIND = os.environ.get("LIMEN_GUEST_KIND", "container")


def needs_kernel(reason: str) -> pytest.MarkDecorator:
    """Leaves a test out in a container, and says why; on a VM it runs (`make prove`)."""
    return pytest.mark.skipif(KIND == "container", reason=f"needs a kernel of its own: {reason}")
