"""All gates of the collection limen.platform: `python -m tests.collection`.

The collection is built and installed from the built file first; everything else looks at that copy, so that
what is checked is what ships. Environments of ansible-test are kept among the caches (~/.cache/limen).
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.collection import ansible_test, documentation, shipped
from tests.collection.commands import GateFailed
from tests.collection.shipped import Shipped


def main() -> int:
    started = time.monotonic()
    failed = []
    with tempfile.TemporaryDirectory(prefix="limen-collection-") as name:
        try:
            copy = shipped.build_and_install(Path(name))
        except GateFailed as error:
            print(error, flush=True)
            return 1
        gates: dict[str, Callable[[Shipped], None]] = {
            "a module runs from the installed copy": shipped.run_one_module,
            "ansible-doc for every plugin": documentation.show_every_plugin,
            "antsibull-docs lint-collection-docs": documentation.lint,
            "antsibull-changelog lint": documentation.lint_changelog,
            "ansible-test units": ansible_test.units,
            "ansible-test sanity": ansible_test.sanity,
        }
        for title, gate in gates.items():
            begun = time.monotonic()
            print(f"{title} ...", flush=True)
            try:
                gate(copy)
            except GateFailed as error:
                failed.append(title)
                print(error, flush=True)
            outcome = "failed" if title in failed else "ok"
            print(f"{title}: {outcome} in {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{len(gates) - len(failed)} passed, {len(failed)} failed in {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
