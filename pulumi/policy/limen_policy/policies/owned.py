"""No domain without owner and project: its Admission names both, and the project that is charged."""

import re
from collections.abc import Iterator

from limen_policy import traversal
from limen_policy.kinds import DOMAIN
from limen_policy.policy import Finding, Policy, Settings, unjudged
from limen_policy.resource import Resource, Stack
from limen_provider.properties import UNKNOWN


def decide(stack: Stack, settings: Settings) -> Iterator[Finding]:
    """Domains that nobody could be asked about."""
    for domain in stack.of_type(DOMAIN):
        admission = next(iter(traversal.admissions(stack, domain)), None)
        if admission is None:
            yield Finding(domain, "has no owner and no project: it hangs on no Admission that names them")
        else:
            yield from _project(stack, domain, admission, settings)
            yield from _owner(domain, admission, settings)


def _project(stack: Stack, domain: Resource, admission: Resource, settings: Settings) -> Iterator[Finding]:
    named, charged = admission.get("project"), traversal.project(stack, admission)
    if UNKNOWN in (named, charged):
        yield unjudged(domain, "project", admission)
    elif not named:
        yield Finding(domain, f"has no project: {admission.name} names none")
    elif named != charged:
        yield Finding(
            domain, f"says that it is of project {admission.shown('project')}, but another is charged"
        )
    elif settings["projects"] and named not in settings["projects"]:
        allowed = ", ".join(settings["projects"])
        yield Finding(domain, f"is of project {admission.shown('project')}, which is none of {allowed}")


def _owner(domain: Resource, admission: Resource, settings: Settings) -> Iterator[Finding]:
    owner, pattern = admission.get("owner"), settings["owner"]
    if owner is UNKNOWN:
        yield unjudged(domain, "owner", admission)
    elif not owner:
        yield Finding(domain, f"has no owner: {admission.name} names none")
    elif pattern and not re.fullmatch(pattern, owner):
        yield Finding(domain, f"is owned by {admission.shown('owner')}, which does not match {pattern}")


POLICY = Policy(
    name="owned",
    description="Every domain has an owner and a project.",
    severity="medium",
    decide=decide,
    remedy="Give `project` and `owner` to the VM's limen:index:Admission; pulumi_limen does.",
    own_schema={
        "projects": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "the projects that domains may be of; empty: any",
        },
        "owner": {
            "type": "string",
            "format": "regex",
            "default": "",
            "description": "a regular expression that owners match as a whole; empty: any owner will do",
        },
    },
)
