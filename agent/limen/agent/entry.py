"""The console script: libvirt's start hook goes its own short way, everything else to typer.

Libvirt waits for the hook before each start of a domain, and typer alone takes longer than the whole hook.
"""

import sys


def main() -> None:
    """Entry point of `limen-agent`."""
    if sys.argv[1:2] == ["hook"]:
        from limen.agent.hook.main import main as hook

        sys.exit(hook(sys.argv[2:]))
    from limen.agent.main import main as agent

    agent()
