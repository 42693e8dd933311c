# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""The medium that cloud-init reads at a guest's first boot."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Seed

MAKERS = ("genisoimage", "mkisofs", "xorrisofs")


def maker() -> str:
    """The command that makes ISO images on this machine; raises InvalidInput where there is none."""
    for command in MAKERS:
        found = shutil.which(command)
        if found is not None:
            return found
    raise InvalidInput(
        "user_data and ssh_keys need genisoimage (or xorriso) where the module runs: install it."
    )


def iso(seed: Seed) -> bytes:
    """The NoCloud medium. What it holds passes through files that only this user can read."""
    with tempfile.TemporaryDirectory(prefix="limen-seed-") as folder:
        for name, text in (("user-data", seed.user_data), ("meta-data", seed.meta_data)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        medium = os.path.join(folder, "seed.iso")
        argv = [
            maker(),
            "-quiet",
            "-output",
            medium,
            "-volid",
            "cidata",
            "-joliet",
            "-rock",
            "user-data",
            "meta-data",
        ]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InvalidInput(
                f"{argv[0]} could not make the cloud-init medium: {done.stderr.strip()[-300:]}"
            )
        with open(medium, "rb") as file:
            return file.read()
