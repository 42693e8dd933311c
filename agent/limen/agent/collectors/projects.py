"""Limits and charges of the projects that hold something on this host, as limen-api knows them."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from limen.agent.metrics import Family, gauge, labels
from limen.agent.workers import Worker

# Of a scrape's limit: limen-api is another machine, and the host's own figures must not wait for it.
PATIENCE = 0.2
# An answer that came after its scrape was over serves the next one, for so long.
FRESH_SECONDS = 60.0


@dataclass(frozen=True)
class ProjectResource:
    """Bytes for `memory` and `disk`, else a number. `hard` is 0 where no limit is set: none may be used.

    `charge` is all that the project is charged, on every host, with the projects below it.
    """

    resource: str
    hard: int | Literal["unlimited"]
    soft: int | None
    charge: int


@dataclass(frozen=True)
class ProjectReading:
    project: str
    resources: tuple[ProjectResource, ...]


@dataclass(frozen=True)
class ProjectsReading:
    projects: tuple[ProjectReading, ...]

    def families(self) -> Iterable[Family]:
        limit = gauge("limen_project_limit", "Limit of the project; none where it is unlimited.")
        unlimited = gauge("limen_project_unlimited", "1 where the project may use any amount.")
        charge = gauge("limen_project_charge", "What the project is charged, on all hosts.")
        for project in self.projects:
            for each in project.resources:
                names = {"project": project.project, "resource": each.resource}
                charge.add(each.charge, labels(**names))
                unlimited.add(int(each.hard == "unlimited"), labels(**names))
                if each.hard != "unlimited":
                    limit.add(each.hard, labels(**names, kind="hard"))
                limit.add(each.soft, labels(**names, kind="soft"))
        return [limit, unlimited, charge]


class ProjectsCollector:
    """`ask` brings limen-api's document; what it raises is why there is none. `limit` is that of a scrape."""

    def __init__(self, ask: Callable[[], Mapping[str, Any]], limit: float) -> None:
        self._ask = ask
        self._asking = Worker("ask for projects", self._read)
        self._patience = limit * PATIENCE
        self._last: tuple[float, ProjectsReading] | None = None

    def collect(self) -> ProjectsReading:
        run = self._asking.begin()
        try:
            return run.result(time.monotonic() + self._patience)
        except TimeoutError as error:
            if self._last is not None and time.monotonic() - self._last[0] < FRESH_SECONDS:
                return self._last[1]
            raise TimeoutError(f"limen-api has not answered for {run.seconds:.1f} s") from error

    def _read(self) -> ProjectsReading:
        reading = _reading(self._ask())
        self._last = (time.monotonic(), reading)
        return reading


def _reading(document: Mapping[str, Any]) -> ProjectsReading:
    return ProjectsReading(
        tuple(
            ProjectReading(
                str(project["project"]),
                tuple(_resource(name, found) for name, found in project["resources"].items()),
            )
            for project in document["projects"]
        )
    )


def _resource(name: str, found: Mapping[str, Any]) -> ProjectResource:
    hard, soft = found["hard"], found["soft"]
    return ProjectResource(
        resource=name,
        hard="unlimited" if hard == "unlimited" else int(hard or 0),
        soft=None if soft is None else int(soft),
        charge=int(found["charge"]),
    )
