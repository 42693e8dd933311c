"""Everything that is wrong with a specification, collected with paths and reported at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from limen.quota.errors import InvalidSpec as QuotaInvalidSpec
from limen.quota.errors import LimenError

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Problem:
    """`path` as a reader would write it (`vms.web-1.networks[0].address`), `message` says what to do."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidSpec(QuotaInvalidSpec):
    """A specification with one or more problems; `str()` has one line for each."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = "an error" if len(problems) == 1 else f"{len(problems)} errors"
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"The specification has {count}; nothing was changed:{lines}")


@dataclass
class Problems:
    """Collects; `finish` raises `InvalidSpec` if there is anything to report."""

    found: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        problem = Problem(path, message)
        if problem not in self.found:
            self.found.append(problem)

    def attempt(self, path: str, work: Callable[[], T]) -> T | None:
        """The result of `work`, or None with the error it raised (of the `LimenError` family) noted."""
        try:
            return work()
        except LimenError as error:
            self.add(path, str(error))
            return None

    def below(self, path: str) -> bool:
        """Whether something at `path` or within it was reported already."""
        return any(
            problem.path == path or problem.path.startswith((f"{path}.", f"{path}["))
            for problem in self.found
        )

    def finish(self) -> None:
        if self.found:
            raise InvalidSpec(tuple(self.found))


def child(path: str, name: object) -> str:
    """The path of `name` (a key, or an index) within `path`."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else str(name)
