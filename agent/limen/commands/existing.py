"""`--if-missing`: whether what is there already is what was asked for."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from limen.quota.errors import LimenError

IfMissingFlag = Annotated[
    bool,
    typer.Option("--if-missing", help="Leave one that is there already; fail if it is not like this one."),
]


class Differs(LimenError):
    """One of this name is there, and is not what was asked for."""


def check_alike(what: str, wanted: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    """Raise `Differs` unless `there` has every value of `wanted`; `what` names both, such as "user ada"."""
    differences = [
        f"{name} is {_shown(there.get(name))} and not {_shown(value)}"
        for name, value in wanted.items()
        if there.get(name) != value
    ]
    if differences:
        raise Differs(
            f"There is a {what} already, but {'; '.join(differences)}. Change it, or choose another name."
        )


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
