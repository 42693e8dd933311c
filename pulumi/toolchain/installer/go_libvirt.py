"""The one defect of a Go module that the libvirt plugin cannot live with, mended while it is built.

go-libvirt takes the first packet that answers a download for the call's reply. libvirtd may send data first:
then a cloud-init disk reads as empty and its creation fails ("corrupted-image: EOF"), or the connection
blocks for good. One download in ten went wrong. The mended copy lives in the build's own folder only.
"""

import os
import shutil
import subprocess
from pathlib import Path

from .errors import BuildError
from .golang import Go, build_environment

MODULE = "github.com/digitalocean/go-libvirt"
DOWNLOAD = "download.go.in"
# In requestStream, right after the call was sent; `out` is data to the host, `in` data from it.
AFTER = """\
	if err != nil {
		return response{}, err
	}

	resp, err := l.getResponse(c)
"""
INSTEAD = """\
	if err != nil {
		return response{}, err
	}

	if in != nil && out == nil {
		return l.download(serial, proc, program, c, in)
	}

	resp, err := l.getResponse(c)
"""


def mended(source: str) -> str:
    """The text of rpc.go with downloads led to our function. Raises BuildError for one that is unknown."""
    if source.count(AFTER) != 1:
        raise BuildError(
            f"{MODULE} is another version than the one that installer/go_libvirt.py mends: see whether its "
            "requestStream still takes a stream's first packet for the reply, and adapt or drop that file"
        )
    return source.replace(AFTER, INSTEAD)


def mend(go: Go, tree: Path) -> None:
    """Have the build in `tree` use a mended copy of go-libvirt. Raises BuildError."""
    try:
        _go(go, tree, "mod", "download", MODULE)
        found = _go(go, tree, "list", "-m", "-f", "{{.Dir}}", MODULE).strip()
        copy = tree / "go-libvirt"
        ours = (copy / DOWNLOAD).read_text(encoding="utf-8")
        shutil.rmtree(copy)
        # Go's cache is read-only, and a copy with its modes could be neither written to nor removed.
        shutil.copytree(found, copy, copy_function=shutil.copyfile)
        for folder in [copy, *(path for path in copy.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
        rpc = copy / "rpc.go"
        rpc.write_text(mended(rpc.read_text(encoding="utf-8")), encoding="utf-8")
        (copy / "download.go").write_text(ours, encoding="utf-8")
        _go(go, tree, "mod", "edit", f"-replace={MODULE}=./go-libvirt")
    except subprocess.CalledProcessError as exc:
        raise BuildError(f"{MODULE} could not be fetched and mended: {exc.stderr.strip()}") from exc


def _go(go: Go, tree: Path, *arguments: str) -> str:
    return subprocess.run(
        [go.path, *arguments], cwd=tree, env=build_environment(os.environ),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
