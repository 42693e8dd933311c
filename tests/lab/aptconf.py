"""The machine's own apt configuration: its Debian sources, its proxy, its relaxations; no mirror is named."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What of the configuration a second apt must share to get on with the same mirror.
SHARED = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::https::CAInfo",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::Retries",
)


@dataclass(frozen=True)
class Source:
    """One Debian archive: URI without the final slash, release (`bookworm-security`), component."""

    uri: str
    release: str
    component: str

    @property
    def line(self) -> str:
        """As a one-line entry."""
        return f"deb {self.uri} {self.release} {self.component}"

    def through_proxy(self) -> "Source":
        """The same archive asked through apt-cacher-ng, which reaches HTTPS mirrors by a name of its own."""
        if self.uri.startswith("https://"):
            return Source(f"http://HTTPS///{self.uri.removeprefix('https://')}", self.release, self.component)
        return self


def parse_targets(listing: str, suite: str) -> list[Source]:
    """Sources of one Debian suite from `URI|release|component` lines, without doubles and in order."""
    found = []
    for line in listing.splitlines():
        uri, release, component = line.split("|")
        if release == suite or release.startswith(f"{suite}-"):
            found.append(Source(uri.rstrip("/"), release, component))
    return list(dict.fromkeys(found))


def own_suite(os_release: Path = Path("/etc/os-release")) -> str:
    """The machine's own Debian suite, or an empty string where it has none (os-release(5))."""
    lines = os_release.read_text().splitlines() if os_release.exists() else []
    return next(
        (line.split("=", 1)[1].strip('"') for line in lines if line.startswith("VERSION_CODENAME=")), ""
    )


def of_suite(listing: str, suite: str, own: str) -> list[Source]:
    """Sources of a suite: the machine's, or where it has none those of its own suite's archives.

    A mirror serves all suites of Debian side by side.
    """
    if found := parse_targets(listing, suite):
        return found
    return [
        Source(source.uri, source.release.replace(own, suite, 1), source.component)
        for source in (parse_targets(listing, own) if own else [])
    ]


def sources(suite: str) -> list[Source]:
    """Debian sources of that suite on the machine's mirror; fetches the package lists where there are none.

    Raises LabError when apt has no source of Debian.
    """
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"]
    argv += ["Created-By: Packages", "Origin: Debian"]
    for attempt in ("as it is", "after an update"):
        listing = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
        if found := of_suite(listing, suite, own_suite()):
            return found
        if attempt == "as it is":
            subprocess.run(["apt-get", "-qq", "update"], stdin=subprocess.DEVNULL, check=False)
    raise LabError(
        f"apt knows no Debian source of {suite}, and the guest image is made from the machine's own apt "
        "configuration: add one, or give an image of your own with LIMEN_IMAGE (a path or a URL)"
    )


def option(name: str) -> str:
    """Value of one apt option, or an empty string."""
    done = subprocess.run(["apt-config", "shell", "VALUE", name], capture_output=True, text=True, check=False)
    return done.stdout.strip().removeprefix("VALUE=").strip("'")


def shared_options() -> dict[str, str]:
    """The options of SHARED that are set on this machine."""
    return {name: value for name in SHARED if (value := option(name))}
