"""`--if-missing`: what is there already is fine if it is alike."""

import json
from typing import Any

from limen.client import ApiError
from tests.unit.cli.conftest import Run

TAKEN = ApiError({"status": 409, "code": "conflict", "detail": "It is taken."})


def test_a_user_that_is_there_is_fine_if_it_is_alike(run: Run, api: dict[str, Any]) -> None:
    api["create_user"] = TAKEN
    api["list_users"] = [{"name": "ada", "administrator": True}]
    assert run("user", "create", "ada", "--administrator")[0] == 1
    code, out, _ = run("user", "create", "ada", "--administrator", "--if-missing", "--json")
    assert (code, json.loads(out)) == (0, {"name": "ada", "administrator": True, "changed": False})
    code, out, err = run("user", "create", "ada", "--if-missing")
    assert (code, out) == (1, "")
    assert "user ada already, but administrator is yes and not no" in err
    assert run("user", "create", "eve", "--if-missing")[2] == "limen: It is taken.\n"


def test_a_project_that_is_there_is_fine_below_the_same_parent(run: Run, api: dict[str, Any]) -> None:
    api["create_project"] = TAKEN
    api["get_project"] = {"name": "demo", "parent": "team", "chain": ["demo", "team"]}
    code, out, _ = run("project", "create", "demo", "--parent", "team", "--if-missing")
    assert (code, out) == (0, "There is project demo below team already.\n")
    code, _, err = run("project", "create", "demo", "--if-missing")
    assert code == 1
    assert "parent is team and not none" in err
    api["create_project"] = {"name": "demo", "parent": None, "chain": ["demo"]}
    assert json.loads(run("project", "create", "demo", "--if-missing", "--json")[1])["changed"] is True


def test_a_host_that_is_there_is_left_if_it_is_as_the_options_say(run: Run, api: dict[str, Any]) -> None:
    vcpus = dict.fromkeys(("capacity", "limit", "used", "reserved", "orphans"), "0")
    vcpus |= {"resource": "vcpus", "reserve": "2", "overcommit": "10"}
    host = {"name": "lab", "id": "h", "uri": "qemu:///system", "scanned": None, "reachable": True}
    api["list_hosts"] = [{**host, "resources": [vcpus]}]
    add = ("host", "add", "qemu:///system", "--if-missing")
    assert run(*add)[0] == run(*add, "--name", "lab", "--reserve=vcpus=2", "--overcommit=vcpus=10.0")[0] == 0
    code, _, err = run(*add, "--overcommit", "vcpus=4", "--name", "other")
    assert code == 1
    assert "its name is lab and not other; the overcommit of vcpus is 10 and not 4" in err
    assert {call[0] for call in api["calls"]} == {"list_hosts"}
