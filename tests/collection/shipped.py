"""The collection as it ships: built, installed from the built file, and run from there."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.collection.commands import COLLECTION, ROOT, GateFailed, run

NAME = "limen.platform"
# Kinds of plugins that have documentation, and the folder that each is in.
DOCUMENTED = {"module": "modules", "inventory": "inventory"}


@dataclass(frozen=True)
class Shipped:
    """The installed copy: `path` is what collections_path names, `folder` the collection in it."""

    path: Path

    @property
    def folder(self) -> Path:
        return self.path / "ansible_collections" / "limen" / "platform"

    @property
    def environment(self) -> dict[str, str]:
        return {"ANSIBLE_COLLECTIONS_PATH": str(self.path)}

    def plugins(self, kind: str) -> list[str]:
        """Full names of the documented plugins of a kind."""
        files = sorted((self.folder / "plugins" / DOCUMENTED[kind]).glob("*.py"))
        return [f"{NAME}.{file.stem}" for file in files if file.stem != "__init__"]


def build_and_install(folder: Path) -> Shipped:
    """Build the collection of this tree into `folder` and install the file there; raises GateFailed."""
    run("ansible-galaxy", "collection", "build", str(COLLECTION), "--output-path", str(folder), folder=ROOT)
    (built,) = folder.glob("limen-platform-*.tar.gz")
    copy = Shipped(folder / "installed")
    arguments = ("collection", "install", str(built), "--collections-path", str(copy.path), "--offline")
    run("ansible-galaxy", *arguments, folder=folder, env=copy.environment)
    print(f"built and installed {built.name}, {built.stat().st_size // 1024} KiB", flush=True)
    return copy


def run_one_module(copy: Shipped) -> None:
    """A module of the copy runs as far as an API that is not there, and says so."""
    environment = {
        **copy.environment,
        "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.host_list",
        "LIMEN_TOKEN": "none",
    }
    arguments = "api_url=http://127.0.0.1:1 project=demo"
    try:
        run(
            "ansible",
            *("--inventory", "localhost,", "--connection", "local", "all"),
            *("--extra-vars", f"ansible_python_interpreter={sys.executable}"),
            *("--module-name", f"{NAME}.quota_info", "--args", arguments),
            folder=copy.path,
            env=environment,
        )
    except GateFailed as error:
        if "limen-api at http://127.0.0.1:1 can't be reached" not in str(error):
            raise
    else:
        raise GateFailed("quota_info answered without an API")
    where = run("ansible-doc", "--json", f"{NAME}.quota_info", folder=copy.path, env=copy.environment)
    filename = json.loads(where)[f"{NAME}.quota_info"]["doc"]["filename"]
    if not filename.startswith(str(copy.path)):
        raise GateFailed(f"quota_info was taken from {filename}, not from the installed copy")
