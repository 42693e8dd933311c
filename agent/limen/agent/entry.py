"""The console script: libvirt's start hook goes its own short way, since libvirt waits for it."""

import sys


def main() -> None:
    """Entry point of `limen-agent`."""
    if sys.argv[1:2] == ["hook"]:
        from limen.agent.hook.main import main as hook

        sys.exit(hook(sys.argv[2:]))
    from limen.agent.main import main as agent

    agent()


if __name__ == "__main__":
    main()
