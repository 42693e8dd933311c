# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Names and identities that modules check or make themselves; they read as limen.quota.model does."""

from __future__ import annotations

import re
import uuid

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput

_ITEM_KEY = re.compile(r"[a-z0-9][a-z0-9:._-]{0,127}")
_PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Names of claims that playbooks make, see `claim_id`.
_PLAYBOOK_CLAIMS = uuid.UUID("6b6f3b1e-6d5c-5d6e-9f0e-3a1d8c0b7a55")


def check_project_name(name: str) -> str:
    """Return `name` if a project may have it; raises InvalidInput."""
    if _PROJECT_NAME.fullmatch(name):
        return name
    raise InvalidInput(
        f"{name!a:.60} is not a project name: use 1 to 63 lower-case letters, digits and hyphens, beginning "
        "with a letter or digit."
    )


def check_item_key(key: str) -> str:
    """Return `key` if an item may have it; raises InvalidInput."""
    if _ITEM_KEY.fullmatch(key):
        return key
    raise InvalidInput(
        f"{key!a:.60} is not an item key: use 1 to 128 lower-case letters, digits and : . _ - , beginning "
        "with a letter or digit."
    )


def check_uuid(text: str, what: str) -> str:
    """The usual spelling of a UUID; raises InvalidInput naming `what` it is for."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidInput(
            f"{text!a:.60} is no UUID: {what} is written like 5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001."
        ) from None


def claim_id(project: str, name: str) -> str:
    """The id of the claim that a playbook calls `name`: the same in every run, so that each finds it."""
    return str(uuid.uuid5(_PLAYBOOK_CLAIMS, f"{project}/{name}"))


def item_uuid(claim: str, key: str) -> str:
    """The libvirt UUID that a claim's VM or network must have: uuid5(claim id, item key)."""
    return str(uuid.uuid5(uuid.UUID(claim), check_item_key(key)))
