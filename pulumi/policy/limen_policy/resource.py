"""The resources of a stack as policies see them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from limen_provider.properties import Secret, reveal


@dataclass(frozen=True)
class Resource:
    """One resource, with what the program asked for or, in a stack's view, what comes of it.

    `properties` are plain values as `limen_provider.properties` reads them: `UNKNOWN` stands for what is not
    known before the update, `Secret` wraps what must not be shown. Other resources are named by their URNs;
    `provider` are the inputs of the provider that makes it.
    """

    urn: str
    type: str
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    protect: bool = False
    ignored: frozenset[str] = frozenset()
    parent: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    provider: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """The property's value without marks of secrets, to judge it; None where there is none."""
        return reveal(self.properties.get(name))

    def shown(self, name: str) -> str:
        """The property's value as a finding may show it."""
        value = self.properties.get(name)
        return "(a secret)" if isinstance(value, Secret) else str(value)


class Stack:
    """The resources in a fixed order, and the ways from one to another."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(sorted(resources, key=lambda each: each.urn))
        self._by_urn = {each.urn: each for each in self.resources}

    def of_type(self, *types: str) -> Iterator[Resource]:
        return (each for each in self.resources if each.type in types)

    def behind(self, resource: Resource, *types: str, by: str | None = None) -> list[Resource]:
        """What `resource` depends on directly, of these types; `by` looks at one property alone."""
        urns = resource.dependencies if by is None else resource.property_dependencies.get(by, ())
        found = (self._by_urn[urn] for urn in sorted(set(urns)) if urn in self._by_urn)
        return [each for each in found if each.type in types]
