"""Print, as JSON, what the interpreter that runs this file has installed.

Runs in the program's interpreter, which may have nothing but the standard library.
"""

import json
import re
import sys
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path

PLUGIN_FILE = "pulumi-plugin.json"
# Where installers keep the names of a distribution's files.
LISTINGS = ("RECORD", "installed-files.txt", "SOURCES.txt")


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def headers(distribution: Distribution) -> Message:
    """What a distribution says of itself, without its readme, which `metadata` parses anew at each look."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    return HeaderParser().parsestr(text.partition("\n\n")[0])


def requirement_names(distribution: Distribution, described: Message) -> set[str]:
    """The names of what a distribution needs, extras left out."""
    # Distributions from before wheels name it in a file of its own, which only `requires` understands.
    old = distribution.requires if distribution.read_text("requires.txt") else None
    names = set()
    for requirement in old or described.get_all("Requires-Dist") or ():
        name, _, marker = requirement.partition(";")
        if "extra" not in marker:
            matched = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", name)
            if matched:
                names.add(normalized(matched.group(1)))
    return names


def lists_plugin(distribution: Distribution) -> bool:
    """Whether it lists a pulumi-plugin.json; read as text, for `files` makes a path of each line."""
    return any(PLUGIN_FILE in (distribution.read_text(listing) or "") for listing in LISTINGS)


def plugin_files(installed: list[Distribution]) -> set[Path]:
    """Every pulumi-plugin.json: what distributions list, and what an editable install has on the path."""
    found = set()
    for distribution in filter(lists_plugin, installed):
        for file in distribution.files or ():
            if file.name == PLUGIN_FILE:
                found.add(Path(str(distribution.locate_file(file))).resolve())
    for entry in sys.path[1:]:
        found.update(path.resolve() for path in Path(entry).glob(f"*/{PLUGIN_FILE}"))
    return {path for path in found if path.is_file()}


def main() -> None:
    """Print the answer."""
    described = [(headers(item), item) for item in distributions()]
    installed = {normalized(head["Name"]): (head, item) for head, item in described if head["Name"]}
    needed = set().union(*(requirement_names(item, head) for head, item in installed.values()))
    answer = {
        "executable": sys.executable,
        "version": ".".join(str(part) for part in sys.version_info[:3]),
        "packages": [
            (head["Name"], head["Version"], name in needed) for name, (head, _) in sorted(installed.items())
        ],
        "plugins": [
            json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(plugin_files([item for _, item in installed.values()]))
        ],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
