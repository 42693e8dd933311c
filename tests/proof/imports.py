"""What Python files of this repository import of it, directly or not."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

# Package on the path of imports -> the folder that holds it. The environment has them installed for editing.
PACKAGES = {
    "limen": "agent",
    "limen_policy": "pulumi/policy",
    "limen_provider": "pulumi/provider",
    "pulumi_limen": "pulumi",
    "tests": ".",
}


def modules(tree: ast.AST) -> Iterator[str]:
    """Names that may be modules, of every import wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(module: str, root: Path) -> Iterator[str]:
    """The files that importing this module runs, those of the packages above it among them."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return
    folder = Path(PACKAGES[parts[0]])
    for number in range(1, len(parts) + 1):
        place = folder.joinpath(*parts[:number])
        for candidate in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if (root / candidate).is_file():
                yield candidate.as_posix()


def closure(paths: Iterable[str], root: Path) -> set[str]:
    """The Python files among the paths and all that these import of this repository.

    What is run by its name alone (`python -m`) or found in a folder at run time is not seen.
    """
    found: set[str] = set()
    waiting = {path for path in paths if path.endswith(".py")}
    while waiting:
        path = waiting.pop()
        found.add(path)
        parsed = ast.parse((root / path).read_text(encoding="utf-8"), path)
        waiting |= {file for module in modules(parsed) for file in files(module, root)} - found
    return found
