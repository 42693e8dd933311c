"""Documentation and changelog of the collection."""

import json

from tests.collection.commands import GateFailed, run
from tests.collection.shipped import DOCUMENTED, Shipped


def show_every_plugin(copy: Shipped) -> None:
    """ansible-doc shows every plugin, with examples, and with return values where it returns any."""
    for kind in DOCUMENTED:
        names = copy.plugins(kind)
        arguments = ("--type", kind, "--json", *names)
        shown = json.loads(run("ansible-doc", *arguments, folder=copy.path, env=copy.environment))
        needed = ("doc", "examples", "return") if kind == "module" else ("doc", "examples")
        lacking = [
            f"{name}: {part}" for name in names for part in needed if not shown.get(name, {}).get(part)
        ]
        if lacking:
            raise GateFailed("ansible-doc does not show " + ", ".join(lacking))


def lint(copy: Shipped) -> None:
    arguments = ("lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self", ".")
    run("antsibull-docs", *arguments, folder=copy.folder, env=copy.environment)


def lint_changelog(copy: Shipped) -> None:
    run("antsibull-changelog", "lint", folder=copy.folder, env=copy.environment)
