from typing import Any

import pytest

from limen_policy.policies.owned import POLICY
from limen_policy.resource import Resource
from limen_provider.properties import UNKNOWN, Secret
from tests.unit.policy.stacks import admission, claim, domain, found


@pytest.mark.parametrize(
    ("named", "settings", "text"),
    [
        (admission(), {}, None),
        (admission(), {"projects": ["web", "db"], "owner": "web/.*"}, None),
        (admission(project=""), {}, "has no project: vm:web names none"),
        (admission(owner=None), {}, "has no owner: vm:web names none"),
        (admission(project="db"), {}, "says that it is of project db, but another is charged"),
        (admission(), {"projects": ["db", "mail"]}, "is of project web, which is none of db, mail"),
        (admission(), {"owner": "db/.*"}, "is owned by web/dev, which does not match db/.*"),
        (
            admission(owner=UNKNOWN),
            {},
            "owned cannot judge it yet, `owner` of vm:web is not known before the update",
        ),
        (
            admission(project=UNKNOWN),
            {},
            "owned cannot judge it yet, `project` of vm:web is not known before the update",
        ),
    ],
)
def test_a_domains_admission_names_project_and_owner(
    named: Resource, settings: dict[str, Any], text: str | None
) -> None:
    assert found(POLICY, claim(), named, domain(named), **settings) == ([f"web: {text}"] if text else [])


def test_what_is_marked_as_secret_is_judged_and_not_shown() -> None:
    named = admission(owner=Secret("web/dev"))
    assert found(POLICY, claim(), named, domain(named)) == []
    assert found(POLICY, claim(), named, domain(named), owner="db/.*") == [
        "web: is owned by (a secret), which does not match db/.*"
    ]


def test_a_domain_without_an_admission_belongs_to_nobody() -> None:
    assert found(POLICY, claim(), domain()) == [
        "web: has no owner and no project: it hangs on no Admission that names them"
    ]
