"""`limen vm`: which VM a name means."""

import json
from typing import Any

from tests.unit.cli.conftest import Run

CLAIMS = [
    {
        "id": f"claim-{project}",
        "project": project,
        "owner": {"kind": "stack", "name": "web"},
        "items": [
            {
                "key": "vm:a",
                "kind": "vm",
                "name": "a",
                "uuid": project,
                "host": "h",
                "state": "committed",
                "charge": {},
            }
        ],
    }
    for project in ("one", "two")
]


def test_a_vm_name_in_two_projects_needs_a_choice(run: Run, api: dict[str, Any]) -> None:
    api["list_claims"] = lambda project, host: [each for each in CLAIMS if project in (None, each["project"])]
    api["get_claim"] = CLAIMS[0]
    code, _, err = run("vm", "show", "a")
    assert code == 2
    assert "a in one (one), a in two (two)" in err
    assert run("vm", "show", "a", "--project", "one", "--json")[0] == 0
    assert run("vm", "show", "b")[0] == 2


def test_a_vm_goes_by_the_name_that_its_stack_has_for_it(run: Run, api: dict[str, Any]) -> None:
    items = [
        {**CLAIMS[0]["items"][0], "key": f"vm:{key}", "name": name}
        for key, name in (("web", "dev-web"), ("db", "web-2"), ("web-2", "dev-web-2"))
    ]
    claim = {**CLAIMS[0], "items": items}
    api["list_claims"], api["get_claim"] = [claim], claim
    for given, found in (("web", "dev-web"), ("dev-web", "dev-web"), ("db", "web-2"), ("web-2", "web-2")):
        code, out, _ = run("vm", "show", given, "--json")
        assert (code, json.loads(out)["name"]) == (0, found)
