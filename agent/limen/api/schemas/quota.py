"""The question of explain."""

from typing import Annotated

from pydantic import Field, model_validator

from limen.api.schemas.claims import MAX_ITEMS, ItemIn
from limen.api.schemas.fields import Document, Identity, MaybeUnknownAmounts, ProjectName, Text


class ExplainItem(ItemIn):
    """An item whose amounts may be unknown yet: `{"upper": "8GiB"}`, or `{"upper": null}`."""

    amounts: MaybeUnknownAmounts  # type: ignore[assignment]  # wider than a claim's on purpose


class Explain(Document):
    """Either `items` on a host, as a claim would ask for them, or bare `amounts`."""

    project: ProjectName
    claim: Identity | None = None
    host: Text | None = None
    items: Annotated[list[ExplainItem], Field(max_length=MAX_ITEMS)] | None = None
    amounts: MaybeUnknownAmounts | None = None

    @model_validator(mode="after")
    def _one_question(self) -> "Explain":
        if (self.items is None) == (self.amounts is None):
            raise ValueError("ask either with items or with amounts")
        if self.amounts is not None and (self.host is not None or self.claim is not None):
            raise ValueError("host and claim belong with items: bare amounts are asked of the project alone")
        return self
