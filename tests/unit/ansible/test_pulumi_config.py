"""Which configuration has to be set, so that a second run sets nothing."""

import pytest
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.pulumi_config import plan

CURRENT = {
    "limen:project": {"value": "demo", "secret": False},
    "app:vms": {"value": '{"a":{"vcpus":1}}', "objectValue": {"a": {"vcpus": 1}}, "secret": False},
    "app:count": {"value": "2", "secret": False},
    "app:on": {"value": "true", "secret": False},
    "app:password": {"value": "hunter2", "secret": True},
}


def test_what_is_as_wanted_is_left_alone() -> None:
    config = {"limen:project": "demo", "vms": {"a": {"vcpus": 1}}, "count": 2, "app:on": True}
    assert plan(CURRENT, config, {"password": "hunter2"}, "app").keys == []


def test_what_differs_is_set_structures_as_such() -> None:
    wanted = plan(CURRENT, {"vms": {"a": {"vcpus": 2}}, "new": "x"}, {"password": "other"}, "app")
    assert wanted.plain["app:vms"] == {
        "value": '{"a": {"vcpus": 2}}',
        "objectValue": {"a": {"vcpus": 2}},
        "secret": False,
    }
    assert wanted.plain["app:new"] == {"value": "x", "secret": False}
    assert wanted.secrets == {"app:password": "other"}
    assert wanted.keys == ["app:new", "app:password", "app:vms"]


def test_none_takes_a_key_away_once() -> None:
    wanted = plan(CURRENT, {"count": None, "never": None}, {"password": None}, "app")
    assert (wanted.removed, wanted.plain, wanted.secrets) == (["app:count", "app:password"], {}, {})


def test_a_value_that_becomes_a_secret_or_none_is_set_again() -> None:
    assert plan(CURRENT, {}, {"count": "2"}, "app").secrets == {"app:count": "2"}
    assert plan(CURRENT, {"password": "hunter2"}, {}, "app").plain["app:password"]["value"] == "hunter2"


def test_a_key_is_given_once() -> None:
    with pytest.raises(InvalidInput, match="app:x is both in config and in secrets"):
        plan({}, {"x": "1"}, {"app:x": "2"}, "app")
