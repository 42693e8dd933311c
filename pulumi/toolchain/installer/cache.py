"""Built binaries, kept outside of the tree under a key made of all their inputs.

An entry appears by one rename, so that a build killed at any point leaves none; builders of the same entry
wait for each other by a lock that the kernel drops with its holder.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import go_libvirt, golang
from .errors import BuildError
from .golang import Go
from .pins import Component
from .say import say

# Raise it when the way of building changes, so that entries built the old way are not taken.
RECIPE = "1"
# Measured with empty caches: sources 3.2 GB, compiled packages 2.1 GB, binaries 0.2 GB.
ROOM_BYTES = 6 * 1024**3
SETTLED_ROOM_BYTES = 1 * 1024**3


def cache_root(environ: Mapping[str, str]) -> Path:
    """The folder that holds all entries."""
    if environ.get("LIMEN_CACHE_DIR"):
        base = Path(environ["LIMEN_CACHE_DIR"])
    else:
        base = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limen"
    return base.expanduser().absolute() / "toolchain"


def sources(component: Component) -> list[Path]:
    """Every file that decides what is built, in a fixed order."""
    names = ("go.mod", "go.sum")
    found = [path for pattern in ("*.go", "*.go.in") for path in component.folder.rglob(pattern)]
    return [component.folder / name for name in names] + sorted(found)


def key(component: Component, go: Go) -> str:
    """The name of the entry for this component built by this Go."""
    digest = hashlib.sha256()
    mend = go_libvirt.INSTEAD if component.name == "libvirt-plugin" else ""
    for text in (RECIPE + mend, component.version, go.version, go.target):
        digest.update(text.encode() + b"\0")
    for path in sources(component):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(component.folder)}\0{len(content)}\0".encode() + content)
    return f"{component.name}-{component.version}-{digest.hexdigest()[:16]}"


def works(component: Component, binary: Path) -> bool:
    """Whether the binary starts and says the version it should have."""
    argument = "version" if component.name == "cli" else "-version"
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [str(binary), argument], capture_output=True, text=True, timeout=60, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip().removeprefix("v") == component.version


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file; say so when another process holds it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build of the same ({path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check_room(root: Path, go: Go) -> None:
    """Raises BuildError when the disks could not hold a build."""
    done = subprocess.run(
        [go.path, "env", "GOMODCACHE", "GOCACHE"], capture_output=True, text=True, check=True
    )
    for folder in [*map(Path, done.stdout.split()), root]:
        # Go's caches that are there already make for most of the room.
        needed = SETTLED_ROOM_BYTES if folder == root or folder.is_dir() else ROOM_BYTES
        existing = next(parent for parent in [folder, *folder.parents] if parent.is_dir())
        free = shutil.disk_usage(existing).free
        if free < needed:
            raise BuildError(
                f"{existing} has {free / 1024**3:.1f} GiB free, a build needs {needed / 1024**3:.0f}: "
                "make room, or set LIMEN_CACHE_DIR, GOCACHE and GOMODCACHE to folders on a larger disk"
            )


def built(component: Component, environ: Mapping[str, str]) -> Path:
    """The component's binary, from the cache or built now. Raises BuildError."""
    go = golang.find_go()
    golang.check_go(go, component)
    root = cache_root(environ)
    name = key(component, go)
    binary = root / name / component.binary
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / f"{name}.lock"):
            if works(component, binary):
                return binary
            check_room(root, go)
            shutil.rmtree(root / name, ignore_errors=True)
            for left_over in root.glob(f"{name}.part-*"):
                shutil.rmtree(left_over)
            _build(component, go, root, name)
    except OSError as exc:
        raise BuildError(
            f"could not write the cache {root}: {exc}; set LIMEN_CACHE_DIR to another folder"
        ) from exc
    return binary


def _build(component: Component, go: Go, root: Path, name: str) -> None:
    say(f"building {component.title} {component.version} with {go.version}, about {component.typical}")
    log = root / f"{name}.log"
    log.write_bytes(b"")
    part = Path(tempfile.mkdtemp(prefix=f"{name}.part-", dir=root))
    try:
        tree, out = part / "source", part / "out"
        shutil.copytree(component.folder, tree)
        out.mkdir()
        BUILDERS[component.name](component, go, tree, out / component.binary, log)
        if not works(component, out / component.binary):
            raise BuildError(
                f"{component.title} was built but does not say version {component.version}: see {log}"
            )
        out.rename(root / name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    say(f"built {component.title}")


def _build_cli(component: Component, go: Go, tree: Path, binary: Path, log: Path) -> None:
    # An unstamped CLI prints no version, and the Automation API refuses it.
    stamp = f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{component.version}"
    package = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
    argv = [go.path, "build", "-v", "-ldflags", f"-s -w -X {stamp}", "-o", str(binary), package]
    golang.run(argv, tree, log, component.title)


def _build_libvirt_plugin(component: Component, go: Go, tree: Path, binary: Path, log: Path) -> None:
    go_libvirt.mend(go, tree)
    stamp = f"limen.local/toolchain/libvirt-plugin/bridge.Version={component.version}"
    generator = tree / "pulumi-tfgen-libvirt"
    build = [go.path, "build", "-v", "-ldflags", f"-s -w -X {stamp}", "-o"]
    golang.run([*build, str(generator), "./cmd/pulumi-tfgen-libvirt"], tree, log, "the schema generator")
    command = tree / "cmd" / "pulumi-resource-libvirt"
    schema = [str(generator), "schema", "--skip-docs", "--skip-examples", "--out", str(command)]
    golang.run(schema, tree, log, "the plugin's schema")
    golang.run([*build, str(binary), "./cmd/pulumi-resource-libvirt"], tree, log, component.title)


BUILDERS = {"cli": _build_cli, "libvirt-plugin": _build_libvirt_plugin}
