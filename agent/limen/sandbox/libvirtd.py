"""An empty libvirtd of a preview's own: unprivileged, in a folder, without anything of the machine's."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limen.sandbox.errors import SandboxError

START_SECONDS = 60.0
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
_NOBODY = "nobody"
_PLACES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_NO_BUS = "unix:path=/nonexistent"
_CONFIGURATION = """\
unix_sock_dir = "{folder}"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:stderr"
"""


@contextmanager
def empty_host(folder: Path, host_uuid: str | None) -> Iterator[str]:
    """Run a libvirtd in `folder`, which must not be there yet, while the context lasts; yields its URI.

    It calls itself `host_uuid`, where that is known. Root's becomes the user nobody's, so that it can change
    nothing of the machine. It ends with this process, however that ends. Raises `SandboxError`.
    """
    program, setpriv = _program("libvirtd"), _program("setpriv")
    folder.mkdir(mode=0o700)
    configuration = folder / "libvirtd.conf"
    text = _CONFIGURATION.format(folder=folder)
    configuration.write_text(text + (f'host_uuid = "{host_uuid}"\n' if host_uuid else ""))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [setpriv, *_privileges(folder), program, "-f", str(configuration)],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the preview: this one is ended after it.
            start_new_session=True,
        )
    try:
        _await(process, folder / "libvirt-sock", log)
        yield f"qemu+unix:///session?socket={folder / 'libvirt-sock'}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program(name: str) -> str:
    """The program's path; those of an administrator are not on everybody's PATH."""
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_PLACES)))
    if found is None:
        raise SandboxError(
            f"{name} is not installed, and the preview needs an empty libvirt of its own: "
            "`apt-get install libvirt-daemon libvirt-daemon-driver-qemu util-linux`; none of it has to run."
        )
    return found


def _privileges(folder: Path) -> list[str]:
    """Options of setpriv: it ends with us, and root becomes nobody, to whom the folder is given."""
    options = ["--pdeathsig", "TERM"]
    if os.geteuid() != 0:
        return options
    nobody = pwd.getpwnam(_NOBODY)
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return [*options, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the caller's: libvirt keeps all that it writes in the folder, and finds no bus."""
    homes = (
        "HOME",
        "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    )
    return {
        **dict.fromkeys(homes, str(folder)),
        **dict.fromkeys(("DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS"), _NO_BUS),
        "PATH": os.pathsep.join(_PLACES),
    }


def _await(process: "subprocess.Popen[bytes]", path: Path, log: Path) -> None:
    """Wait until it listens; raises `SandboxError` with its last words."""
    give_up = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        with socket.socket(socket.AF_UNIX) as attempt:
            if attempt.connect_ex(str(path)) == 0:
                return
        time.sleep(_POLL_SECONDS)
    said = log.read_text(errors="replace").strip().rpartition("\n")[2]
    raise SandboxError(f"The preview's own libvirtd did not start: {said or 'it said nothing'}")
