"""The agent of a world's host: its files, its process, and libvirt's start hook that reads what it wrote."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.lab import Lab
from tests.lab.processes import wait_until

COMMAND = Path(sys.executable).with_name("limen-agent")
START_SECONDS = 60.0


def folder(lab: Lab) -> Path:
    return lab.instance.state / "agent"


def hook_text(lab: Lab) -> str:
    """libvirt's qemu hook, which asks the agent's command with the files below `folder`.

    The lab's libvirt is in a network namespace of its own; limen-api listens on the loopback of ours.
    """
    config = folder(lab) / "agent.toml"
    command = f'nsenter --net=/proc/{os.getpid()}/ns/net "{COMMAND}" hook "$@"'
    return f'#!/bin/sh\nexport LIMEN_AGENT_CONFIG="{config}"\nexec {command}\n'


@dataclass
class HostAgent:
    """`limen-agent` on a lab's host; `options` go into its configuration file."""

    lab: Lab
    api_url: str
    token: str
    options: Mapping[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        return folder(self.lab)

    @property
    def copy(self) -> Path:
        """The copy of who was admitted."""
        return self.folder / "admitted.json"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def configure(self) -> None:
        """Write what the agent and the hook read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(self.token + "\n")
        # The read-only socket: the agent may look and do nothing.
        socket = self.lab.instance.state / "run" / "libvirt-sock-ro"
        options = {
            "listen": "127.0.0.1:0",
            "libvirt_uri": f"qemu+unix:///system?socket={socket}",
            "api_url": self.api_url,
            "api_token_file": str(token),
            "state_dir": str(self.folder),
            "log_level": "debug",
            **self.options,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
        (self.folder / "agent.toml").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start it, and wait until it has written the copy once."""
        self.copy.unlink(missing_ok=True)
        self.launch()
        wait_until(self.copy.exists, START_SECONDS, "the agent's first report")

    def launch(self) -> None:
        """Start it, with a log of its own."""
        self.configure()
        own = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
        with self.log.open("wb") as log:
            argv = [str(COMMAND), "--config", str(self.folder / "agent.toml")]
            self.process = subprocess.Popen(argv, env=own, stdout=log, stderr=log)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What its log says under this name."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == name]

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(20)
        self.process = None
        return code

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None
