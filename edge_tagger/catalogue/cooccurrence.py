"""Tags that go together: what a model may learn instead of what it should."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import POSITIVE, UNKNOWN, Targets
from edge_tagger.taxonomy import Tag, Taxonomy

_ROWS = 8192


@dataclass(frozen=True)
class Pair:
    """Two tags that stand together on `photos` photos.

    `lift` is how many times more often than if they were independent; `correlation` is the phi coefficient, 1 where
    one never stands without the other. Both are over the photos where both are known.
    """

    first: Tag
    second: Tag
    photos: int
    lift: float
    correlation: float


def cooccurring(taxonomy: Taxonomy, targets: Targets, *, min_photos: int) -> list[Pair]:
    """Pairs of tags of different facets, or of one any-of facet, that stand together on at least `min_photos` photos.

    `targets` is int8 [photos, N]. Only pairs that stand together more often than by chance, the most correlated first.
    A tag with exactly its parent's photos is left out: it would only repeat its parent's pairs.
    """
    both, first_only, second_only, known = _counts(targets)
    with np.errstate(divide="ignore", invalid="ignore"):
        lift = both * known / (first_only * second_only)
        spread = first_only * (known - first_only) * second_only * (known - second_only)
        correlation = (both * known - first_only * second_only) / np.sqrt(spread)
    repeats = {i for i, parent in enumerate(taxonomy.parents) if parent >= 0 and both[i, i] == both[parent, parent]}
    pairs = []
    for i, j in zip(*np.nonzero(np.triu(both >= min_photos, 1) & (correlation > 0)), strict=True):
        first, second = taxonomy.tags[i], taxonomy.tags[j]
        if repeats.isdisjoint((i, j)) and (first.facet != second.facet or not taxonomy.facet(first.facet).exclusive):
            pairs.append(Pair(first, second, int(both[i, j]), float(lift[i, j]), float(correlation[i, j])))
    return sorted(pairs, key=lambda pair: (-round(pair.correlation, 9), -pair.photos, pair.first.id, pair.second.id))


def _counts(targets: Targets) -> tuple[NDArray[np.float64], ...]:
    """float64 [N, N] each: photos with both tags, with the first where the second is known, the reverse, both known."""
    tags = targets.shape[1]
    both, first, known = (np.zeros((tags, tags), dtype=np.float64) for _ in range(3))
    for row in range(0, len(targets), _ROWS):
        chunk = targets[row : row + _ROWS]
        has = (chunk == POSITIVE).astype(np.float32)
        knows = (chunk != UNKNOWN).astype(np.float32)
        both += has.T @ has
        first += has.T @ knows
        known += knows.T @ knows
    return both, first, first.T, known
