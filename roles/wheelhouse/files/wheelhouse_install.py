"""Install Limen into a virtual environment from the wheels in the folder that holds this file.

Runs on the host under Debian's Python: no package index, no compiler, and pip itself out of its wheel. What a
killed run left half done is completed by the next one, for the marker is written last.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def run(*argv: str) -> None:
    """Run a command with its output on ours; ends this program when it fails."""
    code = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode
    if code != 0:
        sys.exit(f"{argv[0]} ended with exit code {code}; its own words are above.")


def install(venv: Path) -> None:
    """Bring the environment to this wheelhouse, and forget the wheels of earlier ones."""
    for marker in venv.glob(".wheelhouse-*"):
        marker.unlink()
    python = venv / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", "--clear", str(venv))
    pip = next(FOLDER.glob("pip-*.whl"))
    requirement = (FOLDER / "requirement.txt").read_text(encoding="ascii").strip()
    run(
        *(str(python), f"{pip}/pip", "--disable-pip-version-check", "--quiet", "--no-cache-dir", "install"),
        *("--no-index", "--find-links", str(FOLDER), "--constraint", str(FOLDER / "constraints.txt")),
        *("--root-user-action", "ignore", requirement),
    )
    for old in FOLDER.parent.iterdir():
        if old != FOLDER:
            shutil.rmtree(old)
    (venv / f".wheelhouse-{FOLDER.name}").touch()


if __name__ == "__main__":
    install(Path(sys.argv[1]))
