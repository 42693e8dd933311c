"""Where the main job keeps what it makes: everything below one folder, named after the clone."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Layout:
    """Paths of one installation of the main job; `name` is its lab instance (at most 8 characters)."""

    dot: Path
    name: str

    @property
    def venv_bin(self) -> Path:
        return ROOT / ".limen" / "venv" / "bin"

    @property
    def toolchain(self) -> Path:
        return ROOT / ".limen" / "toolchain"

    @property
    def env_file(self) -> Path:
        return self.dot / "env"

    @property
    def operator_token(self) -> Path:
        return self.dot / "token"

    @property
    def administrator_token(self) -> Path:
        return self.dot / "administrator-token"

    @property
    def passphrase(self) -> Path:
        return self.dot / "passphrase"

    @property
    def backend(self) -> Path:
        return self.dot / "pulumi-state"

    @property
    def ssh_key(self) -> Path:
        return self.dot / "ssh" / "id_ed25519"

    @property
    def ssh_config(self) -> Path:
        return self.dot / "ssh" / "config"


def of_clone() -> Layout:
    """The layout of this clone: two clones on one machine do not meet."""
    return Layout(dot=ROOT / ".limen", name="up" + hashlib.sha256(str(ROOT).encode()).hexdigest()[:6])
