"""From the cells of a catalogue to targets: what is known of each tag of each photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.source import Photo
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

POSITIVE, NEGATIVE, UNKNOWN = 1, 0, -1
Targets = NDArray[np.int8]


def cell_paths(facet: Facet, values: Mapping[str, str]) -> list[tuple[str, ...]] | None:
    """The paths that a photo's cells name in `facet`: None where blank or absent (unknown), [] where it has none.

    A facet with a separator gives one path for each label; another gives one path, down to its first blank level.
    """
    if facet.separator is not None:
        cell = values.get(facet.columns[0], "")
        if not cell:
            return None
        if cell == facet.none:
            return []
        return [(label,) for label in dict.fromkeys(part.strip() for part in cell.split(facet.separator)) if label]
    path: list[str] = []
    for column in facet.columns:
        if not values.get(column):
            break
        path.append(values[column])
    if path and path[0] == facet.none:
        return []
    return [tuple(path)] if path else None


def encode(taxonomy: Taxonomy, photos: Sequence[Photo]) -> Targets:
    """int8 [photos, N]: 1 for a tag that the photo has, 0 for one that it has not, -1 where nobody knows.

    A tag's ancestors are positive with it. Below the last known level of an exclusive facet the children of that
    level are unknown; whatever lies beside the path is negative. A label that the taxonomy does not have leaves its
    known ancestors positive and all else negative. A label that stands under another parent in the taxonomy takes
    that parent (the majority of the data that the taxonomy was made from).
    """
    targets = np.full((len(photos), len(taxonomy)), UNKNOWN, dtype=np.int8)
    homes = _homes(taxonomy)
    for row, photo in zip(targets, photos, strict=True):
        for facet in taxonomy.facets:
            paths = cell_paths(facet, photo.values)
            if paths is not None:
                _fill(row, taxonomy, facet, [_known_tags(taxonomy, facet, path, homes) for path in paths], paths)
    return targets


def _homes(taxonomy: Taxonomy) -> dict[tuple[str, int, str], Tag]:
    """(facet, level, name) -> the one tag of that name there."""
    return {(tag.facet, tag.level, tag.name): tag for tag in taxonomy.tags}


def _known_tags(
    taxonomy: Taxonomy, facet: Facet, path: tuple[str, ...], homes: Mapping[tuple[str, int, str], Tag]
) -> list[int]:
    """Places of the tags of one path: the deepest name that the taxonomy knows, and its ancestors."""
    for level in range(len(path) - 1, -1, -1):
        tag = homes.get((facet.name, level, path[level]))
        if tag is not None:
            return [taxonomy.index[Tag(facet.name, tag.path[: depth + 1])] for depth in range(level + 1)]
    return []


def _fill(
    row: Targets, taxonomy: Taxonomy, facet: Facet, known: Sequence[Sequence[int]], paths: Sequence[tuple[str, ...]]
) -> None:
    places = taxonomy.places(facet.name)
    row[places] = NEGATIVE
    for tags, path in zip(known, paths, strict=True):
        row[list(tags)] = POSITIVE
        if tags and len(tags) == len(path) < len(facet.columns):
            _forget_below(row, taxonomy, tags[-1])


def _forget_below(row: Targets, taxonomy: Taxonomy, place: int) -> None:
    for child in taxonomy.children.get(place, ()):
        row[child] = UNKNOWN
        _forget_below(row, taxonomy, child)
