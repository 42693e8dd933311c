"""A libvirt host with an agent, as tests/integration/agent has it."""

from tests.world.metered import agent, define, lab

__all__ = ["agent", "define", "lab"]
