"""Facets, tags and their parents; from a vector of scores to one consistent answer. numpy only, no model needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
MAX_FACETS, MAX_TAGS, MAX_LEVELS = 1_000, 100_000, 64  # far above any catalogue; they bound what a hostile file costs


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
        if len(self.facets) > MAX_FACETS or len(self.tags) > MAX_TAGS:
            raise ValueError(
                f"{len(self.facets)} facets and {len(self.tags)} tags; at most {MAX_FACETS} and {MAX_TAGS} are taken"
            )
        known = {facet.name for facet in self.facets}
        if len(known) != len(self.facets):
            raise ValueError("two facets have the same name")
        seen: set[Tag] = set()
        for tag in self.tags:
            if tag.facet not in known:
                raise ValueError(
                    f"tag {tag.id!r} names a facet that is not declared; declared: {', '.join(sorted(known))}"
                )
            if len(tag.path) > MAX_LEVELS:
                raise ValueError(f"tag {tag.id!r} stands on level {len(tag.path)} of its facet; at most {MAX_LEVELS}")
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
    def _parents(self) -> list[int]:
        return [-1 if tag.parent is None else self.index[tag.parent] for tag in self.tags]

    @cached_property
    def parents(self) -> NDArray[np.intp]:
        """int [N]: the place of each tag's parent, or -1."""
        return np.array(self._parents, dtype=np.intp)

    @cached_property
    def children(self) -> dict[int, tuple[int, ...]]:
        """Place of a tag -> places of its children."""
        below: dict[int, list[int]] = {}
        for place, parent in enumerate(self._parents):
            below.setdefault(parent, []).append(place)
        return {parent: tuple(places) for parent, places in below.items()}

    @cached_property
    def _depth_first(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """The places in depth-first order; where in it each subtree starts and ends, [start, end, start, end, ...]; and
        where in it each place stands."""
        parents, sizes = self._parents, [1] * len(self)
        for place in range(len(self) - 1, -1, -1):
            if parents[place] >= 0:
                sizes[parents[place]] += sizes[place]
        starts, free = [0] * len(self), [0] * (len(self) + 1)  # `free`: where the next child goes; at -1 the next root
        for place, parent in enumerate(parents):
            starts[place] = free[parent]
            free[parent] += sizes[place]
            free[place] = starts[place] + 1
        order = np.argsort(np.array(starts, np.intp))
        ends = (np.array(starts, np.intp) + np.array(sizes, np.intp))[order]
        return order, np.stack([np.arange(len(self)), ends], axis=1).reshape(-1), np.array(starts, np.intp)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {facet.name: [] for facet in self.facets}
        for place, tag in enumerate(self.tags):
            found[tag.facet].append(place)
        return found

    @cached_property
    def _paths(self) -> tuple[list[list[int]], dict[str, slice], NDArray[np.intp], NDArray[np.intp]]:
        """The paths from root to leaf of all exclusive facets; which of them are a facet's; the same as columns
        [depth, paths], padded with N; and their lengths."""
        paths: list[list[int]] = []
        own: dict[str, slice] = {}
        for facet in self.facets:
            if facet.exclusive:
                leaves = [place for place in self.places(facet.name) if place not in self.children]
                own[facet.name] = slice(len(paths), len(paths) + len(leaves))
                paths += [self._path_to(leaf) for leaf in leaves]
        lengths = np.array([len(path) for path in paths], np.intp)
        columns = np.full((max(lengths, default=0), len(paths)), len(self), np.intp)
        for place, path in enumerate(paths):
            columns[: len(path), place] = path
        return paths, own, columns, lengths

    def _path_to(self, place: int) -> list[int]:
        path = []
        while place >= 0:
            path.append(place)
            place = self._parents[place]
        return path[::-1]

    def facet(self, name: str) -> Facet:
        return next(facet for facet in self.facets if facet.name == name)

    def places(self, facet: str) -> list[int]:
        """Places of a facet's tags, in output order."""
        return self._places[facet]

    def consistent(self, scores: Scores) -> Scores:
        """Scores [..., N] in which no child stands above its parent: each tag takes the highest score of its subtree.

        Source: the max constraint module of Giunchiglia and Lukasiewicz, "Coherent Hierarchical Multi-Label
        Classification Networks", NeurIPS 2020.
        """
        order, bounds, standing = self._depth_first
        ordered = np.empty((*scores.shape[:-1], len(self) + 1), np.float32)
        ordered[..., :-1] = scores[..., order]
        ordered[..., -1] = -np.inf  # reduceat wants every end inside
        subtrees: Scores = np.maximum.reduceat(ordered, bounds, axis=-1)[..., ::2]
        return subtrees[..., standing]

    def best_path(self, facet: str, scores: Scores) -> list[int]:
        """Places from a root to a leaf of an exclusive facet: of all such paths the one with the highest mean score.

        `scores` [N] are the model's own, so that every level has its say; the first in output order wins a tie.
        """
        return self._best_of(facet, self._means(scores))

    def _means(self, scores: Scores) -> NDArray[np.float64]:
        _, _, columns, lengths = self._paths
        padded = np.zeros(len(self) + 1)
        padded[:-1] = scores
        means: NDArray[np.float64] = np.add.reduce(padded[columns], axis=0) / lengths
        return means

    def _best_of(self, facet: str, means: NDArray[np.float64]) -> list[int]:
        paths, own, _, _ = self._paths
        first, last = own[facet].start, own[facet].stop
        return paths[first + int(means[first:last].argmax())] if first < last else []

    def decode(self, scores: Scores, thresholds: Scores) -> list[int]:
        """Places of the tags that answer one photo, in output order.

        Scores [N] are made consistent before they are held against thresholds. An exclusive facet gives the top of
        its best path, down to the first tag under its threshold; an any-of facet gives every tag at or above its
        threshold whose ancestors are too.
        """
        return self.answer(scores, self.consistent(scores) >= thresholds)

    def answer(self, scores: Scores, sure: NDArray[np.bool_]) -> list[int]:
        """As decode, where it is known which tags reach their thresholds, bool [N]."""
        reached, means = sure.tolist(), self._means(scores)
        answer = {-1}  # the parent of those that have none
        for facet in self.facets:
            for place in self._best_of(facet.name, means) if facet.exclusive else self.places(facet.name):
                if reached[place] and self._parents[place] in answer:
                    answer.add(place)
        return sorted(answer)[1:]
