"""Print, as JSON, what the interpreter that runs this file has installed.

Runs in the program's interpreter, which may have nothing but the standard library.
"""

import json
import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

PLUGIN_FILE = "pulumi-plugin.json"


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_names(distribution: Distribution) -> set[str]:
    """The names of what a distribution needs, extras left out."""
    names = set()
    for requirement in distribution.requires or ():
        name, _, marker = requirement.partition(";")
        if "extra" not in marker:
            matched = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", name)
            if matched:
                names.add(normalized(matched.group(1)))
    return names


def plugin_files(installed: list[Distribution]) -> set[Path]:
    """Every pulumi-plugin.json: what distributions list, and what an editable install has on the path."""
    found = set()
    for distribution in installed:
        for file in distribution.files or ():
            if file.name == PLUGIN_FILE:
                found.add(Path(str(distribution.locate_file(file))).resolve())
    for entry in sys.path[1:]:
        found.update(path.resolve() for path in Path(entry).glob(f"*/{PLUGIN_FILE}"))
    return {path for path in found if path.is_file()}


def main() -> None:
    """Print the answer."""
    installed = {normalized(item.metadata["Name"]): item for item in distributions() if item.metadata["Name"]}
    needed = set().union(*(requirement_names(item) for item in installed.values()))
    answer = {
        "executable": sys.executable,
        "version": ".".join(str(part) for part in sys.version_info[:3]),
        "packages": [
            (item.metadata["Name"], item.version, name in needed) for name, item in sorted(installed.items())
        ],
        "plugins": [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(plugin_files(list(installed.values())))
        ],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
