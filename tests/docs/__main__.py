"""Reference pages from the documentation that is in the code: `python -m tests.docs [--check]`.

docs/modules holds one page a module and plugin of the collection, docs/roles one a role, and
docs/agent-schema.json the shapes of limen-agent's documents. With --check nothing is written, and the exit
code is 1 if a page is stale, missing, or of something that is gone.
"""

import sys

from tests.docs import agent_schema, pages
from tests.lab.demo.layout import ROOT

FOLDERS = ("modules", "roles")


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m tests.docs [--check]", file=sys.stderr)
        return 2
    docs = ROOT / "docs"
    wanted = {f"{folder}/{name}.md": text for folder, name, text in pages.render(ROOT)}
    wanted[agent_schema.NAME] = agent_schema.render()
    there = {
        f"{folder}/{path.name}": path.read_text()
        for folder in FOLDERS
        for path in (docs / folder).glob("*.md")
    }
    schema = docs / agent_schema.NAME
    there |= {schema.name: schema.read_text()} if schema.exists() else {}
    stale = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    if not arguments:
        for name in stale:
            if name in wanted:
                (docs / name).parent.mkdir(parents=True, exist_ok=True)
                (docs / name).write_text(wanted[name])
            else:
                (docs / name).unlink()
    for name in stale:
        print(f"docs/{name} is {'stale: run `make docs`' if arguments else 'written'}")
    print(f"{len(wanted)} pages, {len(stale)} {'stale' if arguments else 'written'}")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
