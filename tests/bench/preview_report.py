"""`limen preview-report` of a preview of 200 resources, the whole process, beside `limen --version`.

`python -m tests.bench.preview_report [--runs 10] [--resources 200]`. The preview is a stored one of the real
engine (tests/golden), its resources repeated under other names; all four formats are written at once.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.admissions import MISSED
from tests.golden.capture import FOLDER

TARGET_SECONDS = 1.0
COMMAND = Path(sys.executable).with_name("limen")
CASE = FOLDER / "admitted"
# The engine writes a stack trace of this size for each state, which stored previews are without.
TRACE = [{"sourcePosition": f"project:///{'x' * 80}/{frame}.py#1"} for frame in range(28)]


def main() -> int:
    """Measure and print; MISSED where a report takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--resources", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        preview = Path(folder) / "preview.json"
        preview.write_text(json.dumps(enlarged(options.resources), indent=4))
        report = [COMMAND, "preview-report", preview, "--decision", CASE / "decision.json"]
        report += [f"--write={name}={folder}/{name}" for name in ("json", "junit", "github")]
        # In turns, so that what else the machine does hits both alike.
        plans = {"version": [COMMAND, "--version"], "report": report}
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in plans}
        for number in range(options.runs + 1):
            for name, argv in plans.items():
                figures = run([str(each) for each in argv], Path(folder) / "compiled")
                if number:  # the first one compiles modules
                    taken[name].append(figures)
        print(f"{options.resources} resources, {preview.stat().st_size / 2**20:.1f} MiB")
    medians = {}
    for name, times in taken.items():
        wall, medians[name] = (statistics.median(each) for each in zip(*times, strict=True))
        print(f"{name:8} median {wall * 1000:7.1f} ms, {medians[name] * 1000:6.1f} ms of it computing")
    print(f"report / version {medians['report'] / medians['version']:.2f}")
    # Computing time: how long it waits for a processor says more about the machine than about the command.
    held = medians["report"] <= TARGET_SECONDS
    print(f"target {TARGET_SECONDS * 1000:.0f} ms: {'held' if held else 'MISSED'}")
    return 0 if held else MISSED


def enlarged(resources: int) -> dict[str, Any]:
    """The stored preview with that many resources."""
    digest: dict[str, Any] = json.loads((CASE / "preview.json").read_text())
    root, *steps = sorted(digest["steps"], key=lambda step: "pulumi:pulumi:Stack" not in step["urn"])
    made = [root]
    for number in range(resources):
        # A copy under another name, its states with what the engine writes beside what is stored.
        text = json.dumps(steps[number % len(steps)])
        step = json.loads(text.replace("web", f"web{number}").replace("::lan", f"::lan{number}"))
        step["newState"] |= {"outputs": step["newState"]["inputs"], "stackTrace": TRACE}
        made.append(step)
    return {**digest, "steps": made, "changeSummary": {"create": len(made)}}


def run(argv: list[str], compiled: Path) -> tuple[float, float]:
    """Seconds until it has ended, and seconds of processor time that it took; raises CalledProcessError.

    Python keeps compiled modules in `compiled`, as it does wherever the environment does not forbid it.
    """
    unset = ("PYTHONDONTWRITEBYTECODE",)
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment["PYTHONPYCACHEPREFIX"] = str(compiled)
    before, started = spent(), time.perf_counter()
    subprocess.run(argv, env=environment, capture_output=True, check=True)
    return time.perf_counter() - started, spent() - before


def spent() -> float:
    """Processor seconds of all children so far."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())
