"""Golden reports of previews: `python -m tests.golden [--check]`, also `make golden`.

Makes each preview with the real engine on a world of its own, and writes documents and reports to
tests/golden/reports. A case whose reports are as they were is left as it is. With --check nothing is written,
and the exit code is 1 if a report differs.
"""

import contextlib
import difflib
import shutil
import sys
from collections.abc import Iterator

from tests.golden.capture import FOLDER, Files, Previews, reports, stored
from tests.golden.cases import CASES
from tests.world.world import world


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m tests.golden [--check]", file=sys.stderr)
        return 2
    stale = []
    with world() as made, contextlib.closing(Previews(made)) as previews:
        for case in CASES:
            before, files = stored(case), previews.capture(case)
            if reports(before) == reports(files):
                continue
            stale.append(case.name)
            print(*differences(before, files), sep="\n", flush=True)
            if not arguments:
                shutil.rmtree(FOLDER / case.name, ignore_errors=True)
                (FOLDER / case.name).mkdir(parents=True)
                for name, text in files.items():
                    (FOLDER / case.name / name).write_text(text)
    for name in stale:
        print(f"{name} {'differs: run `make golden` and look' if arguments else 'is written'}")
    print(f"{len(CASES)} cases, {len(stale)} {'stale' if arguments else 'written'}")
    return 1 if arguments and stale else 0


def differences(before: Files, after: Files) -> Iterator[str]:
    """A unified diff of the reports."""
    for name, text in reports(after).items():
        old = before.get(name, "").splitlines()
        yield from difflib.unified_diff(
            old, text.splitlines(), f"stored {name}", f"drawn {name}", "", "", 2, ""
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
