"""Which photo trains, which one tunes, which one tests; no photo and no look-alike of it on two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.duplicates import Fingerprint, find, fingerprints, groups, join, numbered
from edge_tagger.catalogue.labels import cell_paths
from edge_tagger.catalogue.source import Catalogue, Photo
from edge_tagger.catalogue.stratify import stratify
from edge_tagger.errors import CatalogueError, PhotoError
from edge_tagger.taxonomy import Facet

SPLITS = ("train", "val", "test")
LEFT_OUT = "left out"
DEFAULT_FRACTIONS = (0.8, 0.1, 0.1)

Groups = NDArray[np.intp]


@dataclass(frozen=True)
class Leak:
    """A photo taken out of `split` because `other`, which stands in `other_split`, is the same or looks the same.

    `reason` is "same file", "same look" or "same group" (by the group column).
    """

    photo: Photo
    split: str
    other: Photo
    other_split: str
    reason: str


@dataclass(frozen=True)
class Split:
    """The readable photos of a catalogue in its order, and parallel to them: split, group, look-alikes, fingerprint.

    `names` holds "train", "val", "test", "left out", and whatever else stands in the split column. `lookalikes` are
    the groups found in the pictures; `groups` joins them with those of the group column. `unreadable` are the
    photos that are missing or cannot be decoded, each with the reason.
    """

    photos: tuple[Photo, ...]
    names: tuple[str, ...]
    groups: Groups
    lookalikes: Groups
    prints: tuple[Fingerprint, ...]
    unreadable: tuple[tuple[Photo, str], ...]
    leaks: tuple[Leak, ...]

    def of(self, name: str) -> tuple[Photo, ...]:
        """The photos of one split; none where there is no such split."""
        return tuple(photo for photo, split in zip(self.photos, self.names, strict=True) if split == name)


def split_catalogue(
    catalogue: Catalogue,
    facets: Sequence[Facet],
    *,
    split_column: str | None = None,
    group_column: str | None = None,
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> Split:
    """Decode every photo, find look-alikes, and give each photo its split.

    With `split_column` its values are kept, and a photo is left out where one that is the same file, looks the same
    or shares its cell in `group_column` stands in val or test (for one of train) or in test (for one of val); a
    blank cell leaves its photo out. Without it, whole groups are shared out by `fractions` of train, val and test,
    stratified over the tags of `facets`, the same for the same seed.

    Raises CatalogueError where a column is missing, no photo can be read, or train or val would be empty.
    """
    columns = [column for facet in facets for column in facet.columns]
    catalogue.require([*columns, *(column for column in (split_column, group_column) if column is not None)])
    photos, prints, unreadable = _readable(catalogue)
    lookalikes = groups(prints)
    cells = [photo.values[group_column] if group_column is not None else "" for photo in photos]
    joined = _joined(lookalikes, cells)
    leaks: tuple[Leak, ...] = ()
    if split_column is not None:
        given = [photo.values[split_column] or LEFT_OUT for photo in photos]
        names, leaks = _without_leaks(photos, given, prints, lookalikes, cells)
        hint = f"column {split_column!r} must give train and val to photos"
    else:
        names = assign_splits(photos, facets, joined, fractions=fractions, seed=seed)
        hint = "add photos, or raise the fraction of the empty split in the recipe"
    _check_sizes(catalogue, names, hint)
    return Split(photos, tuple(names), joined, lookalikes, tuple(prints), unreadable, leaks)


def assign_splits(
    photos: Sequence[Photo],
    facets: Sequence[Facet],
    group_of: Groups,
    *,
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> list[str]:
    """The split of each photo: whole groups, stratified over the tags of `facets`, reproducible.

    `group_of` is int [photos]. Raises CatalogueError where `fractions` are no three shares that sum to 1.
    """
    if len(fractions) != len(SPLITS) or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise CatalogueError(f"fractions are {list(fractions)}; give three shares of train, val and test that sum to 1")
    count = int(group_of.max()) + 1 if len(group_of) else 0
    tags: list[Counter[Hashable]] = [Counter() for _ in range(count)]
    for photo, group in zip(photos, group_of.tolist(), strict=True):
        for facet in facets:
            paths = cell_paths(facet, photo.values) or []
            tags[group].update({(facet.name, *path[: n + 1]) for path in paths for n in range(len(path))})
    sizes = np.bincount(group_of, minlength=count).tolist()
    chosen = stratify(tags, sizes, fractions, seed=seed)
    return [SPLITS[chosen[group]] for group in group_of.tolist()]


def _readable(
    catalogue: Catalogue,
) -> tuple[tuple[Photo, ...], list[Fingerprint], tuple[tuple[Photo, str], ...]]:
    photos: list[Photo] = []
    prints: list[Fingerprint] = []
    unreadable: list[tuple[Photo, str]] = []
    looked_at = iter(fingerprints([photo.path for photo in catalogue.photos if not photo.refused]))
    for photo in catalogue.photos:
        found = PhotoError(photo.refused) if photo.refused else next(looked_at)
        if isinstance(found, Fingerprint):
            photos.append(photo)
            prints.append(found)
        else:
            unreadable.append((photo, str(found)))
    if not photos:
        raise CatalogueError(
            f"none of the {len(catalogue)} photos of {catalogue.source} can be read; the first: {unreadable[0][1]}"
        )
    return tuple(photos), prints, tuple(unreadable)


def _joined(lookalikes: Groups, cells: Sequence[str]) -> Groups:
    """Look-alikes and the group column as one: photos that share either are in one group. A blank cell shares none."""
    parents = list(range(len(lookalikes)))
    firsts: dict[Hashable, int] = {}
    for place, (group, cell) in enumerate(zip(lookalikes.tolist(), cells, strict=True)):
        for key in (group, cell) if cell else (group,):
            join(parents, firsts.setdefault(key, place), place)
    return numbered([find(parents, place) for place in range(len(parents))])


def _without_leaks(
    photos: Sequence[Photo], names: list[str], prints: Sequence[Fingerprint], lookalikes: Groups, cells: Sequence[str]
) -> tuple[list[str], tuple[Leak, ...]]:
    """The splits with every photo left out that has a twin on a side that is kept from training longer."""
    twins: dict[Hashable, int] = {}  # the photo furthest from training, for each thing that photos can share
    shared: list[list[tuple[Hashable, str]]] = []
    for place, (found, group, cell) in enumerate(zip(prints, lookalikes.tolist(), cells, strict=True)):
        keys: list[tuple[Hashable, str]] = [(found.sha256, "same file"), (group, "same look")]
        shared.append([*keys, (cell, "same group")] if cell else keys)
        for key, _ in shared[place]:
            if key not in twins or _distance(names[place]) > _distance(names[twins[key]]):
                twins[key] = place
    kept, leaks = list(names), []
    for place, keys in enumerate(shared):
        for key, reason in keys:
            twin = twins[key]
            if names[place] != LEFT_OUT and _distance(names[twin]) > _distance(names[place]):
                kept[place] = LEFT_OUT
                leaks.append(Leak(photos[place], names[place], photos[twin], names[twin], reason))
                break
    return kept, tuple(leaks)


def _distance(name: str) -> int:
    """How far a split is from training; names that are not ours (a second test set) count as test."""
    return {LEFT_OUT: -1, "train": 0, "val": 1}.get(name, 2)


def _check_sizes(catalogue: Catalogue, names: Sequence[str], hint: str) -> None:
    counts = Counter(names)
    for name in ("train", "val"):
        if not counts[name]:
            told = ", ".join(f"{split} {count}" for split, count in counts.items())
            raise CatalogueError(f"{catalogue.source} has no photo in split {name!r} (photos: {told}); {hint}")
