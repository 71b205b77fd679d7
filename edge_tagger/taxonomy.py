"""Facets, tags and their parents; from a vector of scores to one consistent answer. numpy only, no model needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Facet:
    """One question that tags answer.

    `columns` are the CSV columns that hold its labels, from the broadest level to the finest; a facet with a
    `separator` has one column with several labels in each cell ("pocket|stripe"). `none` is the cell that says
    "known to have none of them"; a blank cell means unknown.
    """

    name: str
    columns: tuple[str, ...]
    exclusive: bool = True
    separator: str | None = None
    none: str | None = None

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise ValueError(f"a facet's name is a word without '/', not {self.name!r}")
        if not self.columns:
            raise ValueError(f"facet {self.name!r} names no column; give at least one")
        if self.separator is not None and (self.exclusive or len(self.columns) != 1):
            raise ValueError(f"facet {self.name!r}: a separator needs exactly one column and exclusive = false")


@dataclass(frozen=True)
class Tag:
    """One label: its facet and its path in the facet's taxonomy, `("Footwear", "Shoes", "Sports Shoes")`."""

    facet: str
    path: tuple[str, ...]

    @property
    def id(self) -> str:
        """`category/Footwear/Shoes`; a slash or percent sign inside a name is percent-encoded."""
        return "/".join((self.facet, *(name.replace("%", "%25").replace("/", "%2F") for name in self.path)))

    @property
    def name(self) -> str:
        """The display name: the last name of the path."""
        return self.path[-1]

    @property
    def parent(self) -> Tag | None:
        return Tag(self.facet, self.path[:-1]) if len(self.path) > 1 else None

    @property
    def level(self) -> int:
        """0 for the broadest level of its facet."""
        return len(self.path) - 1

    @classmethod
    def from_id(cls, identity: str) -> Tag:
        """The tag of an identity. Raises ValueError where it has no facet, no path or an empty name."""
        facet, *path = identity.split("/")
        if not facet or not path or not all(path):
            raise ValueError(f"{identity!r} is not a tag; write facet/Name or facet/Parent/Name")
        return cls(facet, tuple(name.replace("%2F", "/").replace("%25", "%") for name in path))


@dataclass(frozen=True)
class Taxonomy:
    """The tags of a model in output order, parents before children, and the facets that they answer."""

    facets: tuple[Facet, ...]
    tags: tuple[Tag, ...]

    def __post_init__(self) -> None:
        known = {facet.name for facet in self.facets}
        if len(known) != len(self.facets):
            raise ValueError("two facets have the same name")
        seen: set[Tag] = set()
        for tag in self.tags:
            if tag.facet not in known:
                raise ValueError(
                    f"tag {tag.id!r} names a facet that is not declared; declared: {', '.join(sorted(known))}"
                )
            if tag in seen:
                raise ValueError(f"tag {tag.id!r} stands twice")
            if tag.parent is not None and tag.parent not in seen:
                raise ValueError(f"tag {tag.id!r} has no parent {tag.parent.id!r} before it")
            seen.add(tag)

    def __len__(self) -> int:
        return len(self.tags)

    @cached_property
    def index(self) -> dict[Tag, int]:
        """Tag -> its place in the output."""
        return {tag: place for place, tag in enumerate(self.tags)}

    @cached_property
    def parents(self) -> NDArray[np.intp]:
        """int [N]: the place of each tag's parent, or -1."""
        return np.array([-1 if t.parent is None else self.index[t.parent] for t in self.tags], dtype=np.intp)

    @cached_property
    def children(self) -> dict[int, tuple[int, ...]]:
        """Place of a tag -> places of its children."""
        below: dict[int, list[int]] = {}
        for place, parent in enumerate(self.parents.tolist()):
            below.setdefault(parent, []).append(place)
        return {parent: tuple(places) for parent, places in below.items()}

    @cached_property
    def _paths(self) -> dict[str, tuple[list[list[int]], NDArray[np.intp], NDArray[np.intp]]]:
        """Facet -> its paths from root to leaf; the same as rows [paths, depth] padded with N; and their lengths."""
        found = {}
        for facet in self.facets:
            leaves = [place for place in self.places(facet.name) if place not in self.children]
            paths = [self._path_to(leaf) for leaf in leaves]
            depth = max(map(len, paths), default=0)
            padded = [path + [len(self)] * (depth - len(path)) for path in paths]
            found[facet.name] = (paths, np.array(padded, np.intp), np.array([len(path) for path in paths], np.intp))
        return found

    def _path_to(self, place: int) -> list[int]:
        parent = int(self.parents[place])
        return [*(self._path_to(parent) if parent >= 0 else ()), place]

    def facet(self, name: str) -> Facet:
        return next(facet for facet in self.facets if facet.name == name)

    def places(self, facet: str) -> list[int]:
        """Places of a facet's tags."""
        return [place for place, tag in enumerate(self.tags) if tag.facet == facet]

    def consistent(self, scores: Scores) -> Scores:
        """Scores [..., N] in which no child stands above its parent: each tag takes the highest score of its subtree.

        Source: the max constraint module of Giunchiglia and Lukasiewicz, "Coherent Hierarchical Multi-Label
        Classification Networks", NeurIPS 2020.
        """
        lifted = np.array(scores, dtype=np.float32, copy=True)
        for place in range(len(self.tags) - 1, -1, -1):
            parent = self.parents[place]
            if parent >= 0:
                np.maximum(lifted[..., parent], lifted[..., place], out=lifted[..., parent])
        return lifted

    def best_path(self, facet: str, scores: Scores) -> list[int]:
        """Places from a root to a leaf of an exclusive facet: of all such paths the one with the highest mean score.

        `scores` [N] are the model's own, so that every level has its say; the first in output order wins a tie.
        """
        paths, padded, lengths = self._paths[facet]
        if not paths:
            return []
        means = np.append(scores, 0).astype(np.float64)[padded].sum(axis=1) / lengths
        return paths[int(np.argmax(means))]

    def decode(self, scores: Scores, thresholds: Scores) -> list[int]:
        """Places of the tags that answer one photo, in output order.

        Scores [N] are made consistent before they are held against thresholds. An exclusive facet gives the top of
        its best path, down to the first tag under its threshold; an any-of facet gives every tag at or above its
        threshold whose ancestors are too.
        """
        lifted = self.consistent(scores)
        answer: list[int] = []
        for facet in self.facets:
            places = self.best_path(facet.name, scores) if facet.exclusive else self.places(facet.name)
            taken: set[int] = set()
            for place in places:
                parent = int(self.parents[place])
                if lifted[place] >= thresholds[place] and (parent < 0 or parent in taken):
                    taken.add(place)
            answer.extend(taken)
        return sorted(answer)
