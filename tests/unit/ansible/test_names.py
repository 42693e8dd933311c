"""Modules name projects, items and claims exactly as the rules do."""

from uuid import UUID, uuid4

import pytest
from ansible_collections.limen.platform.plugins.module_utils import names
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput

from limen.quota import model
from tests.unit.ansible.test_amounts import outcome

NAMES = ("demo", "a", "a-b", "0", "-a", "A", "a_b", "a" * 63, "a" * 64, "", " a", "a\n", "\u0430", "a/b")
KEYS = (*NAMES, "vm:web-1", "disk:web-1.root_2", ":vm", "a" * 128, "a" * 129, "vm web")


def test_project_names_are_checked_alike() -> None:
    for name in NAMES:
        expected = outcome(model.check_project_name, name)
        assert outcome(names.check_project_name, name) == expected, repr(name)


def test_item_keys_are_checked_alike() -> None:
    for key in KEYS:
        assert outcome(names.check_item_key, key) == outcome(model.check_item_key, key), repr(key)


def test_items_have_the_same_uuid_everywhere() -> None:
    claim = str(uuid4())
    assert names.item_uuid(claim, "vm:web-1") == str(model.item_uuid(claim, "vm:web-1"))


def test_a_claim_of_a_playbook_is_found_again_and_is_nobody_elses() -> None:
    first = names.claim_id("demo", "scratch")
    assert first == names.claim_id("demo", "scratch") == str(UUID(first))
    assert len({first, names.claim_id("demo", "other"), names.claim_id("other", "scratch")}) == 3


def test_what_is_no_uuid_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'x' is no UUID: id is written like"):
        names.check_uuid("x", "id")
