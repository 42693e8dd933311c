"""Pack Pulumi's binaries for another machine, laid out as `pulumi/toolchain/install.py` lays them out here.

Runs on the controller. CLI and libvirt plugin come from the toolchain's own cache, or are built into it. The
archive is kept under a hash of all that it is made from. Prints one JSON object: changed, key, archive.
"""

import argparse
import hashlib
import json
import os
import sys
import tarfile
import tempfile
from pathlib import Path

KEPT = 5


def arguments() -> argparse.Namespace:
    """The command line; paths of the machine it is for are absolute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="the repository")
    parser.add_argument("--cache", type=Path, required=True, help="where archives are kept")
    parser.add_argument("--folder", type=Path, required=True, help="the folder on the machine")
    parser.add_argument("--python", type=Path, required=True, help="the interpreter on the machine")
    parser.add_argument("--check", action="store_true", help="build and pack nothing, only say the key")
    return parser.parse_args()


def key_of(args: argparse.Namespace) -> str:
    """Hash of every file that the archive is made from, and of where it goes."""
    from installer import cache, pins

    parts = [str(args.folder), str(args.python), pins.limen_version(), pins.cli().version, cache.RECIPE]
    files = [*cache.sources(pins.cli()), *cache.sources(pins.libvirt_plugin())]
    files += sorted((pins.TOOLCHAIN / "language_host").rglob("*.py"))
    files += [*sorted((pins.TOOLCHAIN / "installer").glob("*.py")), Path(__file__)]
    total = hashlib.sha256("\0".join(parts).encode())
    for path in files:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def lay_out(root: Path, args: argparse.Namespace) -> None:
    """Everything as it will be on the machine, below `root`; builds what the cache lacks."""
    from installer import cache, layout, pins, record

    cli, plugin = pins.cli(), pins.libvirt_plugin()
    prefix, home = root / "toolchain", root / "home"
    layout.place(cache.built(cli, os.environ), prefix / "bin" / cli.binary)
    layout.install_language_host(prefix, args.python, args.folder / "toolchain")
    layout.place(cache.built(plugin, os.environ), layout.plugin_path(home, "libvirt", plugin.version))
    layout.install_limen_plugin(home, args.python, pins.limen_version())
    record.save(
        prefix,
        record.Record(
            bin=str(args.folder / "toolchain" / "bin"),
            cli=cli.version,
            built=True,
            python=str(args.python),
            pulumi_home=str(args.folder / "home"),
        ),
    )


def pack(args: argparse.Namespace, key: str, archive: Path) -> None:
    """Write the archive, whole or not at all; its last file is the mark of a whole copy."""
    args.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="draft-", dir=args.cache) as folder:
        root = Path(folder) / "root"
        lay_out(root, args)
        draft = Path(folder) / archive.name
        with tarfile.open(draft, "w:gz", compresslevel=5) as tar:
            for path in sorted(root.rglob("*")):
                tar.add(path, path.relative_to(root), recursive=False)
            mark = root / "toolchain" / f"{key}.installed"
            mark.touch()
            tar.add(mark, mark.relative_to(root))
        draft.replace(archive)
    for old in sorted(args.cache.glob("pulumi-*.tar.gz"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink()


def main(args: argparse.Namespace) -> int:
    """Exit code 0, or 1 with one sentence."""
    sys.path.insert(0, str(args.source / "pulumi" / "toolchain"))
    from installer.errors import ToolchainError

    try:
        key = key_of(args)
        archive = args.cache / f"pulumi-{key}.tar.gz"
        missing = not archive.exists()
        if missing and not args.check:
            pack(args, key, archive)
    except (ToolchainError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps({"changed": missing, "key": key, "archive": str(archive)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(arguments()))
