"""The control plane's word goes before the metadata that anybody on the host can write."""

import json
from pathlib import Path

from limen.agent.admitted import Copy
from limen.agent.owners import AdmittedOwners, HintOwners, Owner
from limen.hypervisor.model import Hint

HINT = Hint(owner="ann", project="claimed-by-metadata", claim="", key="")


def _write(copy: Copy, project: str) -> None:
    domain = {"uuid": "known", "project": project, "owner": {"kind": "stack", "name": "dev"}}
    copy.write({"host": "h", "name": "h", "domains": [domain]})


def test_the_copy_goes_before_the_metadata(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    owners = AdmittedOwners(copy)
    assert owners.owner_of("known", HINT) == Owner("claimed-by-metadata", "ann")

    _write(copy, "demo")
    assert owners.owner_of("known", HINT) == Owner("demo", "dev")
    assert owners.owner_of("unknown", HINT) == Owner("claimed-by-metadata", "ann")

    _write(copy, "moved-to-another")
    assert owners.owner_of("known", HINT) == Owner("moved-to-another", "dev")


def test_a_damaged_copy_leaves_what_was_read_last(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    owners = AdmittedOwners(copy)
    _write(copy, "demo")
    assert owners.owner_of("known", None).project == "demo"

    copy.file.write_text(json.dumps({"nothing": 1}))
    assert owners.owner_of("known", None).project == "demo"


def test_without_anything() -> None:
    assert HintOwners().owner_of("u", None) == Owner("", "")
