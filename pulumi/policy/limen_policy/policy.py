"""What a policy is, and what it finds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from limen_policy.resource import Resource, Stack

Level = Literal["advisory", "mandatory", "disabled"]
Severity = Literal["low", "medium", "high", "critical"]
Settings = Mapping[str, Any]

UNKNOWN_SETTING = "unknown"
COMMON_SCHEMA: Mapping[str, Any] = {
    UNKNOWN_SETTING: {
        "type": "string",
        "enum": ["advisory", "mandatory"],
        "default": "advisory",
        "description": "what it is when a value is not known yet and so cannot be judged",
    }
}


@dataclass(frozen=True)
class Finding:
    """One sentence about a resource, which follows its name; not `judged`: why nothing can be said yet."""

    resource: Resource
    text: str
    judged: bool = True


def unjudged(resource: Resource, what: str, of: Resource | None = None) -> Finding:
    """Nothing can be said about `resource`: the property `what`, its own or that of another, is not known."""
    whose = "" if of is None else f" of {of.name}"
    return Finding(resource, f"`{what}`{whose} is not known before the update", judged=False)


@dataclass(frozen=True)
class Policy:
    """One policy.

    `decide` is pure and reports everything that it finds. `schema` are the properties of its configuration in
    JSON schema, each with a default, without those that all policies have. `before`: it is asked about each
    resource by itself, with its inputs, before that is made, and not about the stack as a whole.
    """

    name: str
    description: str
    severity: Severity
    decide: Callable[[Stack, Settings], Iterable[Finding]]
    remedy: str
    level: Level = "mandatory"
    own_schema: Mapping[str, Any] = field(default_factory=dict)
    before: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The properties of its configuration."""
        return {**self.own_schema, **COMMON_SCHEMA}

    @property
    def defaults(self) -> dict[str, Any]:
        return {name: each["default"] for name, each in self.schema.items()}

    def message(self, finding: Finding) -> str:
        """What a person reads, on one line."""
        text = finding.text if finding.judged else f"{self.name} cannot judge it yet, {finding.text}"
        return " ".join(f"{finding.resource.name}: {text}".split())
