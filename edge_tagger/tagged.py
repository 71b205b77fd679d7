"""What a photo's tags are given as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge_tagger.taxonomy import Tag
from edge_tagger.terminal import printable


@dataclass(frozen=True)
class TagScore:
    """One tag of a photo: `tag` is its identity, `parents` the identities above it from the broadest on, `name` what
    to show.

    `score` (0..1) is at least that of each tag below it. `threshold` is what the score had to reach; None where there
    was none.
    """

    tag: str
    facet: str
    name: str
    score: float
    threshold: float | None
    parents: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return {
            "tag": self.tag,
            "facet": self.facet,
            "name": self.name,
            "score": self.score,
            "threshold": self.threshold,
            "parents": list(self.parents),
        }

    def __str__(self) -> str:
        """The name and the score: "Sports Shoes 0.93"; what is not printable in it is escaped."""
        return f"{printable(self.name)} {self.score:.2f}"


@dataclass(frozen=True)
class TaggedPhoto:
    """The tags of one photo: facet by facet in the model's order, parents first; by score where there are no facets.

    `facets` are the exclusive facets that the model was asked. Iterates over its tags; `"colour/Black" in photo` asks
    for an identity.
    """

    tags: tuple[TagScore, ...]
    facets: tuple[str, ...] = ()

    def path(self, facet: str) -> tuple[TagScore, ...]:
        """The tags of one facet; of an exclusive facet, its path from the broadest on. Empty where nothing was sure."""
        return tuple(tag for tag in self.tags if tag.facet == facet)

    @property
    def paths(self) -> dict[str, tuple[TagScore, ...]]:
        """Exclusive facet -> its path from the broadest tag on, empty where nothing was sure."""
        return {facet: self.path(facet) for facet in self.facets}

    def to_json(self) -> dict[str, Any]:
        """{"tags": [as TagScore.to_json], "paths": {exclusive facet: [names from the broadest on]}}."""
        return {
            "tags": [tag.to_json() for tag in self.tags],
            "paths": {facet: [tag.name for tag in path] for facet, path in self.paths.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TaggedPhoto:
        """What :meth:`to_json` gave. Raises KeyError or TypeError for anything else."""
        tags = tuple(TagScore(**{**tag, "parents": tuple(tag["parents"])}) for tag in value["tags"])
        return cls(tags, tuple(value["paths"]))

    def __iter__(self) -> Iterator[TagScore]:
        return iter(self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    def __contains__(self, tag: object) -> bool:
        return any(tag in (own, own.tag) for own in self.tags)

    def __str__(self) -> str:
        """One line for each tag that has no tag of the photo below it: its path and score; what is not printable
        in them is escaped."""
        inner = {parent for tag in self.tags for parent in tag.parents}
        names = {tag.tag: tag.name for tag in self.tags}
        width = max((len(printable(tag.facet)) for tag in self.tags), default=0)
        lines = []
        for tag in self.tags:
            if tag.tag not in inner:
                path = [names.get(parent, Tag.from_id(parent).name) for parent in tag.parents]
                names_shown = printable(" > ".join([*path, tag.name]))
                lines.append(f"{printable(tag.facet):{width}}  {names_shown}  {tag.score:.2f}")
        return "\n".join(lines) or "no tag is sure enough"
