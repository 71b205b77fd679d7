"""How a photo's tags come together with what a product has already: appended or in its place, facet by facet."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from edge_tagger.tagged import TaggedPhoto
from edge_tagger.taxonomy import Taxonomy

MODES = ("append", "replace")


@dataclass(frozen=True)
class Policy:
    """`default` holds for each facet that `facets` does not name.

    "append" keeps what is there: tags are added to, other cells are filled where they are blank. "replace" takes the
    facet's own tags away first, and writes over other cells. A facet that the photo has no answer for changes nothing.
    """

    default: str = "append"
    facets: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for mode in (self.default, *self.facets.values()):
            if mode not in MODES:
                raise ValueError(f"{mode!r} is no way to merge; give {' or '.join(MODES)}")

    @classmethod
    def of(cls, words: Iterable[str], facets: Iterable[str]) -> Policy:
        """The policy of ["append", "colour=replace"], later words over earlier ones. Raises ValueError for a facet that
        is not one of `facets`."""
        default, own, known = "append", dict[str, str](), tuple(facets)
        for word in words:
            facet, equals, mode = word.partition("=")
            if not equals:
                default = word
            elif facet in known:
                own[facet] = mode
            else:
                near = difflib.get_close_matches(facet, known, n=1)
                guess = f"did you mean {near[0]!r}? " if near else ""
                raise ValueError(f"the model has no facet {facet!r}; {guess}it has {', '.join(known)}")
        return cls(default, own)

    def replaces(self, facet: str) -> bool:
        return self.facets.get(facet, self.default) == "replace"


@dataclass(frozen=True)
class TagMerger:
    """Merges tags into a cell that holds several, separated by commas.

    `display_names` (identity -> name) are the names that photos were tagged with where these are not the taxonomy's.
    """

    taxonomy: Taxonomy
    policy: Policy = field(default_factory=Policy)
    display_names: Mapping[str, str] = field(default_factory=dict)

    def merge(self, cell: str, tagged: TaggedPhoto) -> str:
        """The cell with the photo's tags; as it was, to the letter, where nothing changes.

        Tags are compared without regard to case. "replace" takes a tag away where its text is a name of an answered
        facet's, and of no facet that appends.
        """
        answered = {tag.facet for tag in tagged}
        old = split_tags(cell)
        kept = [tag for tag in old if not self._gives_way(tag, answered)]
        merged: dict[str, str] = {}
        for tag in (*kept, *(one_tag(tag.name) for tag in tagged)):
            merged.setdefault(tag.casefold(), tag)
        return cell if set(merged) == {tag.casefold() for tag in old} else ", ".join(merged.values())

    def _gives_way(self, tag: str, answered: set[str]) -> bool:
        owners = self._owners.get(tag.casefold(), set())
        return bool(owners) and all(facet in answered and self.policy.replaces(facet) for facet in owners)

    @cached_property
    def _owners(self) -> dict[str, set[str]]:
        """The text of each tag of the model -> the facets that have it."""
        owners: dict[str, set[str]] = {}
        for tag in self.taxonomy.tags:
            for name in (tag.name, self.display_names.get(tag.id, tag.name)):
                owners.setdefault(one_tag(name).casefold(), set()).add(tag.facet)
        return owners


def split_tags(cell: str) -> list[str]:
    """The tags of a cell. A comma always separates: Shopify knows no way to write one inside a tag."""
    return [tag for tag in (part.strip() for part in cell.split(",")) if tag]


def one_tag(name: str) -> str:
    """A name as one tag of a cell: white space reduced to single blanks, commas turned into semicolons."""
    return " ".join(name.replace(",", ";").split())


def merge_cell(cell: str, value: str, *, replace: bool) -> str:
    """A cell that holds one value: filled where it is blank, written over with `replace`; never emptied."""
    return value if value and (replace or not cell.strip()) else cell
