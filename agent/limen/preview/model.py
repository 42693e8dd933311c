"""What a preview says, and what a report says of it."""

from dataclasses import dataclass, field
from typing import Literal

from limen.quota.decision_json import DecisionJson

Verdict = Literal["fits", "denied", "violated", "failed"]
Way = Literal["data loss", "delete", "replace", "restart", "live"]
WAYS: tuple[Way, ...] = ("data loss", "delete", "replace", "restart", "live")
"""What a change does to a VM or a disk, the gravest first."""

EXIT_CODES: dict[Verdict, int] = {"fits": 0, "failed": 1, "denied": 3, "violated": 4}


@dataclass(frozen=True)
class Change:
    """One resource that changes. `op`: `create`, `update`, `replace`, `delete` or what else the engine says.

    `properties` are names of what differs, never values: those may be secret. `parent` is a URN.
    """

    op: str
    urn: str
    type: str
    name: str
    parent: str = ""
    properties: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    custom: bool = True
    retained: bool = False
    """Whether it stays where it is when the stack deletes it."""


@dataclass(frozen=True)
class Diagnostic:
    """Words of the engine, a provider or the program."""

    severity: str
    urn: str
    message: str


@dataclass(frozen=True)
class Preview:
    """A preview as the engine told it. `claims` are the ids of claims that it names."""

    program: str
    stack: str
    changes: tuple[Change, ...]
    counts: dict[str, int]
    summary: dict[str, object] = field(default_factory=dict)
    """The engine's own counts, to see whether an event log is of the same run."""
    diagnostics: tuple[Diagnostic, ...] = ()
    claims: frozenset[str] = frozenset()
    unchecked: tuple[str, ...] = ()
    """Chargeable things that would be made without the quota check."""
    unknown: tuple[str, ...] = ()
    """Sentences on sizes that are not known yet."""

    @property
    def name(self) -> str:
        return f"{self.program}/{self.stack}" if self.program else self.stack


@dataclass(frozen=True)
class Violation:
    """A policy that is violated; `mandatory` ones stop the update."""

    pack: str
    policy: str
    mandatory: bool
    severity: str
    resource: str
    message: str


@dataclass(frozen=True)
class Policies:
    """What policy packs said; `held` are (pack, policy) that no resource violated."""

    violations: tuple[Violation, ...] = ()
    held: tuple[tuple[str, str], ...] = ()
    failed: bool = False
    """Whether the engine called the preview failed."""
    counts: dict[str, object] | None = None


@dataclass(frozen=True)
class Effect:
    """What happens to one VM, disk or network."""

    way: Way
    subject: str
    sentence: str


@dataclass(frozen=True)
class QuotaRow:
    """One resource in one scope; amounts for people. `peak` is what is held while old and new are there,
    `after` what is left in the end, "" if nobody said what the stack will hold.
    """

    scope: str
    resource: str
    limit: str
    before: str
    peak: str
    after: str
    verdict: str


@dataclass(frozen=True)
class Report:
    """All that is told, in the order in which every format tells it."""

    verdict: Verdict
    name: str
    program: str
    stack: str
    summary: str
    counts: dict[str, int]
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    complete: bool
    """Whether the preview came to its end; if not, changes and effects are not told."""
    denial: str = ""
    quota: tuple[QuotaRow, ...] = ()
    policies: Policies | None = None
    unknown: tuple[str, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the report cannot say, and how it could: sentences of ours, with Markdown's code."""
    decision: DecisionJson | None = field(default=None, repr=False)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    @property
    def loses_data(self) -> bool:
        return any(effect.way == "data loss" for effect in self.effects)
