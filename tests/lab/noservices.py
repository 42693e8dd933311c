"""No service starts, now or at the next boot, because a package of the lab was installed.

Package scripts ask `policy-rc.d` before they start anything, and enable their units with links below
/etc/systemd/system. What was enabled or running before stays as it was.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DENY = "#!/bin/sh\n# limen lab: no service starts while its packages are installed\nexit 101\n"
KEEP_OUT = "# limen lab: no cluster is made while the package is installed\ncreate_main_cluster = false\n"


@dataclass(frozen=True)
class Guard:
    """The guard on a machine whose root folder is `root` (another one in tests)."""

    root: Path = Path("/")

    @property
    def policy(self) -> Path:
        return self.root / "usr/sbin/policy-rc.d"

    @property
    def kept(self) -> Path:
        """The policy that was there before."""
        return self.policy.with_name("policy-rc.d.limen-kept")

    @property
    def units(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def enabled_before(self) -> Path:
        """The list of enabled units before the installation; it is there as long as one is under way."""
        return self.root / "var/lib/limen-lab-units.json"

    @property
    def cluster(self) -> Path:
        """A PostgreSQL cluster `main` of the package's making would be one more server on the machine."""
        return self.root / "etc/postgresql-common/createcluster.d/limen.conf"

    def enabled(self) -> list[str]:
        """The links that make systemd start units, relative to the folder of units."""
        links = (path for path in self.units.glob("*/*") if path.is_symlink())
        return sorted(str(link.relative_to(self.units)) for link in links)

    def lift(self) -> None:
        """Put everything back and disable what was enabled meanwhile; also after a run that was killed."""
        if self.enabled_before.exists():
            before = set(json.loads(self.enabled_before.read_text()))
            for link in self.enabled():
                if link not in before:
                    (self.units / link).unlink()
            self.enabled_before.unlink()
        if self.policy.exists() and self.policy.read_text() == DENY:
            self.policy.unlink()
        if self.kept.exists():
            self.kept.rename(self.policy)
        if self.cluster.exists() and self.cluster.read_text() == KEEP_OUT:
            self.cluster.unlink()

    def set(self) -> None:
        """Keep services from starting until `lift`."""
        self.lift()
        draft = self.enabled_before.with_suffix(".draft")
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(self.enabled()))
        draft.replace(self.enabled_before)
        if self.policy.exists():
            self.policy.rename(self.kept)
        self.policy.parent.mkdir(parents=True, exist_ok=True)
        self.policy.write_text(DENY)
        self.policy.chmod(0o755)
        self.cluster.parent.mkdir(parents=True, exist_ok=True)
        self.cluster.write_text(KEEP_OUT)

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Guard for as long as the body runs."""
        self.set()
        try:
            yield
        finally:
            self.lift()
