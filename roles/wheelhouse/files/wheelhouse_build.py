"""Build a virtual environment with Limen for a Debian host, of wheels alone, and pack it into one archive.

Runs on the controller: pip takes five minutes on a guest without KVM, and two seconds here. The
environment is laid out as the host's Python would (PEP 405), compiled to bytecode where both have the
same Python. Every result is kept in the cache under a hash of what it was made from, so that a second
call with the same inputs only answers. Prints one JSON object: changed, version, key, archive.
"""

import argparse
import compileall
import contextlib
import fcntl
import hashlib
import json
import py_compile
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
# Every wheel that runs on Debian 12 (glibc 2.36), and so on 13; pip takes no newer name for an older one by
# itself.
PLATFORMS = ("2_36", "2_35", "2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
CONFIGURATION = "home = /usr/bin\ninclude-system-site-packages = true\nversion = {python}\n"
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
    venv: str

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
        keys = (self.source_key, self.dependencies_key, self.venv, sys.version)
        return digest((*(key.encode() for key in keys), Path(__file__).read_bytes()))

    def archive(self, cache: Path) -> Path:
        """Where the archive of these inputs is or would be."""
        return cache / f"wheelhouse-{self.key}.tar.gz"

    def answer(self, cache: Path, changed: bool) -> dict[str, object]:
        """What the role wants to know."""
        archive = str(self.archive(cache))
        return {"changed": changed, "version": self.version, "key": self.key, "archive": archive}

    @property
    def target(self) -> tuple[str, ...]:
        """pip's options for wheels of the host's Python and no other."""
        return (
            *("--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}"),
            *(f"--abi={abi}" for abi in (f"cp{self.python.replace('.', '')}", "abi3", "none")),
            *(f"--platform=manylinux_{glibc}_x86_64" for glibc in PLATFORMS),
            "--platform=manylinux2014_x86_64",
        )


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
    """The folder of the wheels that Limen needs on the host; downloaded once."""
    final = cache / f"dependencies-{key}"
    if not final.is_dir():
        extras = f"[{','.join(sorted(inputs.extras))}]" if inputs.extras else ""
        with draft(cache) as work:
            wheels = work / "wheels"
            wanted = ("--constraint", str(inputs.constraints), f"limen{extras} @ {wheel.as_uri()}")
            pip("download", "--dest", str(wheels), *inputs.target, *wanted)
            for own in wheels.glob("limen-*.whl"):
                own.unlink()
            wheels.rename(final)
    return final


def lay_out(inputs: Inputs, wheels: list[Path], root: Path) -> None:
    """The environment as it will be on the host."""
    packages = root / "lib" / f"python{inputs.python}" / "site-packages"
    options = ("--no-deps", "--no-index", "--no-compile", "--target", str(packages))
    pip("install", *options, *inputs.target, *map(str, wheels))
    (packages / "bin").rename(root / "bin")
    for script in (root / "bin").iterdir():
        text = script.read_text(encoding="utf-8").partition("\n")[2]
        script.write_text(f"#!{inputs.venv}/bin/python\n{text}", encoding="utf-8")
    for name in ("python", "python3"):
        (root / "bin" / name).symlink_to(f"/usr/bin/python{inputs.python}")
    (root / "lib64").symlink_to("lib")
    if f"{sys.version_info.major}.{sys.version_info.minor}" == inputs.python:
        # By hash and unchecked: what the archive does to the files' times does not matter.
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        place = str(root), inputs.venv
        compileall.compile_dir(
            root, stripdir=place[0], prependdir=place[1], quiet=2, workers=0, invalidation_mode=mode
        )


def pack(inputs: Inputs, cache: Path, work: Path) -> None:
    """Make the archive of a copy of the sources, whole or not at all."""
    final, dependencies_key, root = inputs.archive(cache), inputs.dependencies_key, work / "venv"
    wheel = build_wheel(inputs, work / "wheel")
    dependencies = gather_dependencies(inputs, dependencies_key, wheel, cache)
    lay_out(inputs, [wheel, *sorted(dependencies.iterdir())], root)
    configuration = root / "pyvenv.cfg"
    configuration.write_text(CONFIGURATION.format(python=inputs.python), encoding="ascii")
    packed = work / "wheelhouse.tar.gz"
    with tarfile.open(packed, "w:gz", compresslevel=6) as tar:
        for name in ("bin", "lib", "lib64"):
            tar.add(root / name, name, filter=owned_by_root)
        # Last: where it is, the rest was unpacked.
        tar.add(configuration, configuration.name, filter=owned_by_root)
    packed.rename(final)


def owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Root's, and for everybody to read, whoever runs the playbook."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode |= 0o444 | (0o111 if member.isdir() or member.mode & 0o100 else 0)
    member.mode &= ~0o022
    return member


def forget_old(cache: Path) -> None:
    """Keep the newest archives and sets of dependencies."""
    for pattern in ("wheelhouse-*.tar.gz", "dependencies-*"):
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
    parser.add_argument("--venv", required=True, help="where the environment will be on the host")
    parser.add_argument("--check", action="store_true", help="say whether there is something to build")
    given = parser.parse_args()
    extras = tuple(extra for extra in given.extras.split(",") if extra)
    inputs = Inputs(given.source.resolve(), given.constraints, given.python, extras, given.venv)
    try:
        print(json.dumps(run(inputs, given.cache, given.check)))  # noqa: T201  the answer to the caller
    except (BuildError, OSError) as error:
        print(f"The environment could not be built: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
