"""Everything that should be known of a catalogue before training: counts, rare tags, labels that look alike, copies,
contradictions, splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_tagger.catalogue.alike import Alike, find_alike
from edge_tagger.catalogue.cooccurrence import Pair, cooccurring
from edge_tagger.catalogue.labels import POSITIVE, encode
from edge_tagger.catalogue.source import Catalogue, Photo
from edge_tagger.catalogue.split import DEFAULT_FRACTIONS, LEFT_OUT, Leak, Split, split_catalogue
from edge_tagger.catalogue.vocabulary import Contradiction, build_vocabulary
from edge_tagger.errors import CatalogueError
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

# A name whose minority parents hold more than this share of its photos is worth a person's look.
LARGE_MINORITY = 0.25


@dataclass(frozen=True)
class TagCount:
    """One tag: on how many photos of which split, and whether training keeps it."""

    tag: Tag
    photos: dict[str, int]
    kept: bool

    @property
    def total(self) -> int:
        return sum(self.photos.values())


@dataclass(frozen=True)
class Level:
    """One column of a facet: photos with and without a value, and its tags, the most frequent first."""

    facet: Facet
    column: str
    labelled: int
    blank: int
    tags: tuple[TagCount, ...]

    @property
    def too_rare(self) -> tuple[TagCount, ...]:
        return tuple(count for count in self.tags if not count.kept)


@dataclass(frozen=True)
class Check:
    """What was found. `problems` should stop a person, `warnings` should make one look; both are sentences."""

    source: Path
    photos: int
    min_count: int
    split: Split
    split_sizes: dict[str, int]
    levels: tuple[Level, ...]
    pairs: tuple[Pair, ...]
    copies: tuple[tuple[Photo, ...], ...]
    lookalikes: tuple[tuple[Photo, ...], ...]
    contradictions: tuple[Contradiction, ...]
    alike: tuple[Alike, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def unreadable(self) -> tuple[tuple[Photo, str], ...]:
        return self.split.unreadable

    @property
    def leaks(self) -> tuple[Leak, ...]:
        return self.split.leaks


def check_catalogue(
    catalogue: Catalogue,
    facets: Sequence[Facet],
    *,
    min_count: int,
    split_column: str | None = None,
    group_column: str | None = None,
    fractions: Sequence[float] = DEFAULT_FRACTIONS,
    seed: int = 0,
) -> Check:
    """Read every photo and count everything. Raises CatalogueError where :func:`split_catalogue` does."""
    split = split_catalogue(
        catalogue, facets, split_column=split_column, group_column=group_column, fractions=fractions, seed=seed
    )
    levels: list[Level] = []
    contradictions: list[Contradiction] = []
    problems: list[str] = []
    all_tags: list[Tag] = []
    for facet in facets:
        try:
            kept = set(build_vocabulary([facet], split.of("train"), min_count=min_count).taxonomy.tags)
        except CatalogueError as error:
            kept = set()
            problems.append(str(error))
        try:
            found = build_vocabulary([facet], split.photos, min_count=1)
        except CatalogueError:  # the same complaint as above
            continue
        contradictions += found.contradictions
        all_tags += found.taxonomy.tags
        levels += _levels(facet, found.taxonomy, split, kept)
    taxonomy = Taxonomy(tuple(facets), tuple(all_tags))
    alike = find_alike(facets, catalogue.photos)
    copies = _groups_of(split.photos, [found.sha256 for found in split.prints])
    return Check(
        source=catalogue.source,
        photos=len(catalogue),
        min_count=min_count,
        split=split,
        split_sizes=_in_order(Counter(split.names)),
        levels=tuple(levels),
        pairs=tuple(cooccurring(taxonomy, encode(taxonomy, split.photos), min_photos=min_count)),
        copies=copies,
        lookalikes=_lookalikes(split),
        contradictions=tuple(contradictions),
        alike=alike,
        problems=(*catalogue.left_out, *_unreadable(split), *problems),
        warnings=(*_warnings(split, levels, contradictions, copies, facets), *map(str, alike)),
    )


def _levels(facet: Facet, taxonomy: Taxonomy, split: Split, kept: set[Tag]) -> list[Level]:
    has = encode(taxonomy, split.photos) == POSITIVE
    sizes = _in_order(Counter(split.names))
    rows = {name: [place for place, other in enumerate(split.names) if other == name] for name in sizes}
    counts = {name: has[rows[name]].sum(axis=0).tolist() for name in sizes}
    levels = []
    for level, column in enumerate(facet.columns):
        tags = [
            TagCount(tag, {name: counts[name][place] for name in sizes}, tag in kept)
            for place, tag in enumerate(taxonomy.tags)
            if tag.level == level
        ]
        blank = sum(not photo.values[column] for photo in split.photos)
        ranked = tuple(sorted(tags, key=lambda count: (-count.total, count.tag.path)))
        levels.append(Level(facet, column, len(split.photos) - blank, blank, ranked))
    return levels


def _in_order(counts: Counter[str]) -> dict[str, int]:
    """train, val, test, other splits by name, left out."""
    order = {"train": 0, "val": 1, "test": 2, LEFT_OUT: 4}
    return {name: counts[name] for name in sorted(counts, key=lambda name: (order.get(name, 3), name))}


def _groups_of(photos: Sequence[Photo], keys: Iterable[Hashable]) -> tuple[tuple[Photo, ...], ...]:
    """Photos that share a key, where there are several; the largest groups first."""
    found: dict[Hashable, list[Photo]] = {}
    for photo, key in zip(photos, keys, strict=True):
        found.setdefault(key, []).append(photo)
    return tuple(tuple(group) for group in sorted(found.values(), key=len, reverse=True) if len(group) > 1)


def _lookalikes(split: Split) -> tuple[tuple[Photo, ...], ...]:
    """Groups of photos that look the same without being copies of one file: one photo for each file."""
    firsts = {found.sha256: place for place, found in reversed(list(enumerate(split.prints)))}
    places = sorted(firsts.values())
    return _groups_of([split.photos[place] for place in places], split.lookalikes[places].tolist())


def _unreadable(split: Split) -> list[str]:
    count = len(split.unreadable)
    return [f"{count} photos are missing or cannot be decoded; restore them or remove their rows"] if count else []


def _warnings(
    split: Split,
    levels: Sequence[Level],
    contradictions: Sequence[Contradiction],
    copies: Sequence[Sequence[Photo]],
    facets: Sequence[Facet],
) -> Iterable[str]:
    if split.leaks:
        yield f"{len(split.leaks)} photos are left out: they or their look-alikes stand in val or test too"
    for found in contradictions:
        total = sum(count for _, count in found.counts)
        minority = total - found.counts[0][1]
        if minority > LARGE_MINORITY * total:
            yield f"{found.facet}: {minority} of {total} photos of {found.kept[-1]!r} name another parent than the rest"
    columns = [column for facet in facets for column in facet.columns]
    unequal = [group for group in copies if len({tuple(p.values[c] for c in columns) for p in group}) > 1]
    if unequal:
        yield f"{len(unequal)} files stand in several rows with different labels, the first at {unequal[0][0].place}"
    unmeasured = [c.tag.id for level in levels for c in level.tags if c.kept and not c.photos.get("val")]
    if unmeasured:
        yield f"{len(unmeasured)} tags have no photo in val, so they cannot be tuned: {_some(unmeasured)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
