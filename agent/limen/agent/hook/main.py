"""`limen-agent hook`: what libvirt runs as /etc/libvirt/hooks/qemu.d/limen.

It never calls libvirt, which waits for it; it needs no agent that runs, only the copy that one has written.
Every import here is waited for at each start of a domain.
"""

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from limen.agent.admitted import STATE, Copy, CopyUnusable
from limen.agent.hook.judgement import Wanted, objection, wanted_of
from limen.quota.errors import LimenError

CONFIG = Path("/etc/limen/agent.toml")
# The first thing that libvirt asks for whenever QEMU is to be started: by `start`, autostart, `restore` and
# an incoming migration. Everything else passes: a refusal of `reconnect` would kill a guest that runs.
JUDGED = "prepare"
LOOKUP_SECONDS = 3.0
HELP = """\
usage: limen-agent hook DOMAIN OPERATION SUBOPERATION EXTRA <domain.xml

Libvirt's qemu hook: exit code 0 lets the operation pass, 1 refuses it, and the reason on standard error
stands in libvirt's own error. Only `prepare` is judged. Install it as /etc/libvirt/hooks/qemu.d/limen:

    #!/bin/sh
    exec limen-agent hook "$@"

and restart libvirtd, which looks for hooks when it starts. The file that LIMEN_AGENT_CONFIG names, else
/etc/limen/agent.toml, says where the copy of who was admitted is (state_dir) and whom to ask beyond it
(api_url, api_token_file, api_ca_file, api_address).
"""


def main(arguments: list[str]) -> int:
    """Entry: DOMAIN OPERATION SUBOPERATION EXTRA, as libvirt gives them."""
    if len(arguments) < 2:
        sys.stdout.write(HELP)
        return 0 if arguments in (["--help"], ["-h"]) else 2
    if arguments[1] != JUDGED:
        return 0
    try:
        reason = judge(wanted_of(ET.fromstring(sys.stdin.buffer.read())))  # noqa: S314  libvirt's own XML
    except Exception as error:  # noqa: BLE001  what can't be judged is not admitted
        reason = f"domain {arguments[0]!a} can't be judged: {error}"
    if reason is None:
        return 0
    sys.stderr.write(f"limen: {reason}\n")
    return 1


def judge(wanted: Wanted) -> str | None:
    """Why not, or None: by the copy, and where that does not know it or knows it smaller, by limen-api."""
    config = _config()
    try:
        copy = Copy(Path(config.get("state_dir", STATE))).read()
    except CopyUnusable as error:
        return f"{objection(wanted, None)} ({error})"
    reason = objection(wanted, copy["domains"].get(wanted.uuid))
    if reason is None or "api_url" not in config:
        return reason
    try:
        return objection(wanted, _ask(config, copy["host"], wanted.uuid))
    except LimenError as error:
        return f"{reason} ({error}; until it answers, what is known here counts)"


def _ask(config: dict[str, Any], host: str, domain: str) -> dict[str, Any] | None:
    """Ask limen-api, within LOOKUP_SECONDS: a name that does not resolve keeps no time-out of its own."""
    import threading  # only where the copy does not know enough, as is everything below

    from limen.agent.control_plane import ControlPlaneAway, ControlPlaneClient

    ca_file = config.get("api_ca_file")
    client = ControlPlaneClient(
        config["api_url"],
        Path(config["api_token_file"]),
        Path(ca_file) if ca_file else None,
        LOOKUP_SECONDS,
        config.get("api_address"),
    )
    answers: list[dict[str, Any] | None] = []
    failures: list[LimenError] = []

    def ask() -> None:
        try:
            answers.append(client.find_admitted(host, domain))
        except LimenError as error:
            failures.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(LOOKUP_SECONDS)
    if answers:
        return answers[0]
    raise failures[0] if failures else ControlPlaneAway(f"limen-api at {client.url} does not answer in time")


def _config() -> dict[str, Any]:
    """The agent's own file; what its variables and flags say is not there when libvirt runs this."""
    named = os.environ.get("LIMEN_AGENT_CONFIG")
    file = Path(named) if named else CONFIG
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named:
            raise
        return {}
    import tomllib

    return tomllib.loads(text)
