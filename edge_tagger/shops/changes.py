"""What an export would change, cell by cell, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_tagger.shops.merge import split_tags


@dataclass(frozen=True)
class Change:
    """One cell of one product, before and after."""

    product: str
    column: str
    before: str
    after: str

    def __str__(self) -> str:
        """`red-shirt  Tags: + Apparel, Shirts  - old`, or `red-shirt  color: "" -> "Red"` for a cell of one value."""
        if self.column.casefold() != "tags":
            return f'{self.product}  {self.column}: "{self.before}" -> "{self.after}"'
        before, after = split_tags(self.before), split_tags(self.after)
        added = ", ".join(tag for tag in after if tag not in before)
        removed = ", ".join(tag for tag in before if tag not in after)
        parts = [f"{sign} {tags}" for sign, tags in (("+", added), ("-", removed)) if tags]
        return f"{self.product}  {self.column}: {'  '.join(parts)}"


def changes(product: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """The cells of `after` that are not as in `before`, in its order; a column that was not there was blank."""
    return [
        Change(product, column, before.get(column, ""), cell)
        for column, cell in after.items()
        if before.get(column, "") != cell
    ]
