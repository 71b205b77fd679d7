"""The tags that a catalogue is worth: counted, too rare ones dropped, contradictory parents settled by majority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edge_tagger.catalogue.labels import cell_paths
from edge_tagger.catalogue.source import Photo
from edge_tagger.errors import CatalogueError
from edge_tagger.taxonomy import Facet, Tag, Taxonomy


@dataclass(frozen=True)
class Contradiction:
    """A name that stands under several parents at one level: the majority's path, and how many photos say what."""

    facet: str
    kept: tuple[str, ...]
    counts: tuple[tuple[tuple[str, ...], int], ...]


@dataclass(frozen=True)
class Vocabulary:
    """A taxonomy made from photos, with what was counted and left out on the way."""

    taxonomy: Taxonomy
    counts: tuple[int, ...]
    dropped: tuple[tuple[Tag, int], ...]
    contradictions: tuple[Contradiction, ...]


def build_vocabulary(facets: Sequence[Facet], photos: Sequence[Photo], *, min_count: int) -> Vocabulary:
    """The tags with at least `min_count` photos among `photos` (the training split), parents before children.

    Within a facet tags are sorted by path. Raises CatalogueError where a facet keeps fewer than one tag (any-of) or
    two tags (exclusive): there is nothing to learn.
    """
    tags: list[Tag] = []
    counts: list[int] = []
    dropped: list[tuple[Tag, int]] = []
    contradictions: list[Contradiction] = []
    for facet in facets:
        paths = Counter(path for photo in photos for path in cell_paths(facet, photo.values) or ())
        homes, found = _settle(facet, paths)
        contradictions += found
        totals: Counter[tuple[str, ...]] = Counter()
        for path, count in paths.items():
            home = homes[len(path) - 1, path[-1]]
            totals.update({home[: depth + 1]: count for depth in range(len(home))})
        kept = sorted(path for path, count in totals.items() if count >= min_count)
        choices = Counter(len(path) for path in kept)  # of one parent's children there can be a choice, too
        if max(choices.values(), default=0) < (2 if facet.exclusive else 1):
            raise CatalogueError(
                f"facet {facet.name!r} ({', '.join(facet.columns)}) keeps {len(kept)} tags with at least {min_count} "
                "photos in the training split; lower min_count, add photos, or leave the facet out of the recipe"
            )
        tags += [Tag(facet.name, path) for path in kept]
        counts += [totals[path] for path in kept]
        dropped += [(Tag(facet.name, path), n) for path, n in sorted(totals.items()) if n < min_count]
    return Vocabulary(Taxonomy(tuple(facets), tuple(tags)), tuple(counts), tuple(dropped), tuple(contradictions))


def _settle(
    facet: Facet, paths: Counter[tuple[str, ...]]
) -> tuple[dict[tuple[int, str], tuple[str, ...]], list[Contradiction]]:
    """(level, name) -> its one path, from the broadest level down; the most frequent parent wins, then the first."""
    homes: dict[tuple[int, str], tuple[str, ...]] = {}
    contradictions = []
    for level in range(len(facet.columns)):
        parents: dict[str, Counter[tuple[str, ...]]] = {}
        for path, count in paths.items():
            if len(path) > level:
                parents.setdefault(path[level], Counter())[path[:level]] += count
        for name, counted in sorted(parents.items()):
            ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
            above = homes[level - 1, ranked[0][0][-1]] if level else ()
            homes[level, name] = (*above, name)
            if len(ranked) > 1:
                told = tuple(((*parent, name), count) for parent, count in ranked)
                contradictions.append(Contradiction(facet.name, homes[level, name], told))
    return homes, contradictions
