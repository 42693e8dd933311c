"""Documents of adoption."""

from typing import Annotated

from pydantic import Field

from limen.api.schemas.fields import Document, ProjectName, Text


class NewAdoption(Document):
    """`domain` is libvirt's name or UUID; `host` is needed where several hosts have one of that name.

    `check`: only say what would be done, and decide whether it fits.
    """

    domain: Annotated[str, Field(min_length=1, max_length=2048)]
    project: ProjectName
    host: Text | None = None
    check: bool = False
