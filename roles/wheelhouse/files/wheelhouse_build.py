"""Build the wheel of a Limen checkout, gather the wheels that it depends on, pack them into one archive.

Runs on the controller. Every result is kept in the cache under a hash of what it was made from, so that a
second call with the same inputs only answers. Prints one JSON object: changed, version, key, archive.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "agent", "pulumi/pulumi_limen", "pulumi/provider")
NOT_SOURCES = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "build")
# Every wheel that runs on Debian 12 (glibc 2.36); pip takes no newer name for an older one by itself.
PLATFORMS = ("2_36", "2_35", "2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
INSTALLER = Path(__file__).with_name("wheelhouse_install.py")
KEPT = 10


class BuildError(Exception):
    """A step failed; the message is for people."""


@dataclass(frozen=True)
class Inputs:
    """What a wheelhouse is made from."""

    source: Path
    constraints: Path
    python: str
    extras: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version in pyproject.toml and a hash of the sources: each state of them is another version."""
        text = (self.source / "pyproject.toml").read_text(encoding="utf-8")
        return f"{tomllib.loads(text)['project']['version']}+{self.source_key}"

    @property
    def source_key(self) -> str:
        files = (self.source / name for name in SOURCES)
        return digest(part for entry in files for part in tree(entry, self.source))

    @property
    def dependencies_key(self) -> str:
        pyproject = (self.source / "pyproject.toml").read_bytes()
        parts = (pyproject, self.constraints.read_bytes(), self.python.encode(), *self.encoded_extras)
        return digest((*parts, *(platform.encode() for platform in PLATFORMS)))

    @property
    def encoded_extras(self) -> tuple[bytes, ...]:
        return tuple(extra.encode() for extra in sorted(self.extras))

    @property
    def key(self) -> str:
        code = (Path(__file__).read_bytes(), INSTALLER.read_bytes())
        return digest((self.source_key.encode(), self.dependencies_key.encode(), *code))

    def archive(self, cache: Path) -> Path:
        """Where the archive of these inputs is or would be."""
        return cache / f"wheelhouse-{self.key}.tar"

    def answer(self, cache: Path, changed: bool) -> dict[str, object]:
        """What the role wants to know."""
        archive = str(self.archive(cache))
        return {"changed": changed, "version": self.version, "key": self.key, "archive": archive}

    @property
    def requirement(self) -> str:
        """What pip is asked for on the host."""
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"limen{extras}=={self.version}"


def tree(entry: Path, root: Path) -> Iterator[bytes]:
    """Names and contents of the files that count, in a fixed order."""
    if entry.is_file():
        yield str(entry.relative_to(root)).encode()
        yield entry.read_bytes()
        return
    names = {child.name for child in entry.iterdir()}
    for name in sorted(names - NOT_SOURCES(str(entry), sorted(names))):
        yield from tree(entry / name, root)


def digest(parts: Iterable[bytes]) -> str:
    """Twelve hex digits over the parts, each of which counts with its length."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()[:12]


def pip(*arguments: str) -> None:
    """Run the controller's pip; raises BuildError with its last lines."""
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise BuildError(f"pip {arguments[0]} failed:\n{last}")


@contextlib.contextmanager
def draft(cache: Path) -> Iterator[Path]:
    """A folder to work in that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="draft-", dir=cache) as folder:
        yield Path(folder)


def copy_sources(source: Path, copy: Path) -> None:
    """Copy what counts: building leaves files where it works, and somebody may be editing the checkout."""
    for name in SOURCES:
        entry, target = source / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.is_dir():
            shutil.copytree(entry, target, ignore=NOT_SOURCES)
        else:
            shutil.copyfile(entry, target)


def build_wheel(inputs: Inputs, wheels: Path) -> Path:
    """The wheel of the sources, which must be a copy: their version is written into them."""
    pyproject, version = inputs.source / "pyproject.toml", inputs.version
    text, plain = pyproject.read_text(encoding="utf-8"), version.partition("+")[0]
    pyproject.write_text(
        text.replace(f'\nversion = "{plain}"\n', f'\nversion = "{version}"\n', 1), encoding="utf-8"
    )
    pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(inputs.source))
    found = list(wheels.glob("limen-*.whl"))
    if [wheel.name.split("-")[1] for wheel in found] != [version]:
        raise BuildError(
            f"no wheel of version {version} came of it but {found}: is `version` in pyproject.toml?"
        )
    return found[0]


def gather_dependencies(inputs: Inputs, key: str, wheel: Path, cache: Path) -> Path:
    """The folder of the wheels that Limen needs on the host, with pip itself; downloaded once."""
    final = cache / f"dependencies-{key}"
    if final.is_dir():
        return final
    extras = f"[{','.join(sorted(inputs.extras))}]" if inputs.extras else ""
    with draft(cache) as work:
        wheels = work / "wheels"
        pip(
            *("download", "--only-binary=:all:", "--dest", str(wheels)),
            *("--constraint", str(inputs.constraints)),
            *("--implementation", "cp", "--python-version", inputs.python),
            *(f"--abi=cp{inputs.python.replace('.', '')}", "--abi=abi3", "--abi=none"),
            *(f"--platform=manylinux_{glibc}_x86_64" for glibc in PLATFORMS),
            "--platform=manylinux2014_x86_64",
            *(f"limen{extras} @ {wheel.as_uri()}", "pip"),
        )
        for own in wheels.glob("limen-*.whl"):
            own.unlink()
        wheels.rename(final)
    return final


def pack(inputs: Inputs, cache: Path, work: Path) -> None:
    """Make the archive of a copy of the sources, whole or not at all."""
    final, requirement = inputs.archive(cache), work / "requirement.txt"
    requirement.write_text(f"{inputs.requirement}\n", encoding="ascii")
    dependencies_key = inputs.dependencies_key
    wheel = build_wheel(inputs, work / "wheel")
    dependencies = gather_dependencies(inputs, dependencies_key, wheel, cache)
    packed = work / "wheelhouse.tar"
    with tarfile.open(packed, "w") as tar:
        for path in (wheel, requirement, *sorted(dependencies.iterdir())):
            tar.add(path, path.name)
        tar.add(inputs.constraints, "constraints.txt")
        # Last: where it is, the rest was unpacked.
        tar.add(INSTALLER, INSTALLER.name)
    packed.rename(final)


def forget_old(cache: Path) -> None:
    """Keep the newest archives and sets of dependencies."""
    for pattern in ("wheelhouse-*.tar", "dependencies-*"):
        found = sorted(cache.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in found[KEPT:]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def run(inputs: Inputs, cache: Path, check: bool) -> dict[str, object]:
    """What the caller prints. Raises BuildError."""
    if check:
        return inputs.answer(cache, changed=not inputs.archive(cache).exists())
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock, draft(cache) as work:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if inputs.archive(cache).exists():
            return inputs.answer(cache, changed=False)
        copy_sources(inputs.source, work / "source")
        copied = replace(inputs, source=work / "source")
        answer = copied.answer(cache, changed=True)
        pack(copied, cache, work)
        forget_old(cache)
        return answer


def main() -> int:
    """Entry point; exit code 1 with a sentence on standard error when a step fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--constraints", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--python", required=True, help="the host's Python, as 3.11")
    parser.add_argument("--extras", default="", help="separated by commas")
    parser.add_argument("--check", action="store_true", help="say whether there is something to build")
    given = parser.parse_args()
    extras = tuple(extra for extra in given.extras.split(",") if extra)
    inputs = Inputs(given.source.resolve(), given.constraints, given.python, extras)
    try:
        print(json.dumps(run(inputs, given.cache, given.check)))  # noqa: T201  the answer to the caller
    except (BuildError, OSError) as error:
        print(f"The wheels could not be built: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
