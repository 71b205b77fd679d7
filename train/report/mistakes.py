"""What a model takes for what, and the mistakes that it is surest of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge_tagger.catalogue.source import Photo
from edge_tagger.measure import Measured
from edge_tagger.taxonomy import Facet


@dataclass(frozen=True)
class Mistake:
    """A photo that a facet is wrong about. `score` (0..1) is that of the tag `said`, or of the tag missed.

    `missed` is only of any-of facets: a tag that the photo has and that was not given.
    """

    photo: Photo
    true: str
    said: str
    score: float
    missed: bool = False

    @property
    def confidence(self) -> float:
        return 1 - self.score if self.missed else self.score


@dataclass(frozen=True)
class Pair:
    """Photos labelled `true` that are said to be `said`, the surest first."""

    true: str
    said: str
    photos: tuple[Photo, ...]

    @property
    def count(self) -> int:
        return len(self.photos)


@dataclass(frozen=True)
class LevelConfusions:
    """One level of an exclusive facet: its pairs, the most frequent first, and how many of `labelled` are wrong."""

    facet: str
    level: str
    labelled: int
    pairs: tuple[Pair, ...]

    @property
    def wrong(self) -> int:
        return sum(pair.count for pair in self.pairs)


@dataclass(frozen=True)
class Gallery:
    """The mistakes of one facet that the model is surest of; `total` is how many there are in all."""

    facet: str
    shown: tuple[Mistake, ...]
    total: int


def confusions(measured: Measured) -> list[LevelConfusions]:
    """Each level of each exclusive facet, whatever the thresholds, as edge_tagger.evaluate counts its top-1.

    A label that the model does not know is a mistake here too.
    """
    found = []
    for facet in measured.manifest.taxonomy.facets:
        if facet.exclusive:
            mistakes = _exclusive(measured, facet)
            truths = measured.truths(facet)
            for level, column in enumerate(facet.columns):
                labelled = sum(cells[level] is not None for cells in truths)
                found.append(LevelConfusions(facet.name, column, labelled, _pairs(mistakes[level])))
    return found


def galleries(measured: Measured, *, count: int = 12) -> list[Gallery]:
    """For each facet its `count` most confident mistakes; of an exclusive one at each photo's deepest wrong level.

    In any-of facets a tag is wrong that is given or missed against a known target; the others are left out.
    """
    found = []
    for facet in measured.manifest.taxonomy.facets:
        if facet.exclusive:
            deepest: dict[str, Mistake] = {}
            for mistakes in _exclusive(measured, facet):
                deepest.update((mistake.photo.place, mistake) for mistake in mistakes)
            wrong = list(deepest.values())
        else:
            wrong = list(_any_of(measured, facet))
        wrong.sort(key=lambda mistake: -mistake.confidence)
        found.append(Gallery(facet.name, tuple(wrong[:count]), len(wrong)))
    return found


def _exclusive(measured: Measured, facet: Facet) -> list[list[Mistake]]:
    """The mistakes at each level of an exclusive facet."""
    taxonomy = measured.manifest.taxonomy
    found: list[list[Mistake]] = [[] for _ in facet.columns]
    lifted = taxonomy.consistent(measured.scores)
    rows = zip(measured.photos, measured.truths(facet), measured.best_paths(facet), lifted, strict=True)
    for photo, truths, path, scores in rows:
        for level, true in enumerate(truths):
            said = taxonomy.tags[path[level]].name if level < len(path) else None
            if true is not None and said != true:
                score = float(scores[path[level]]) if said is not None else 0.0
                found[level].append(Mistake(photo, true, said or "nothing", score))
    return found


def _any_of(measured: Measured, facet: Facet) -> Iterator[Mistake]:
    taxonomy = measured.manifest.taxonomy
    places = np.array(taxonomy.places(facet.name), dtype=np.intp)
    targets, answers = measured.targets[:, places], measured.answers[:, places]
    lifted = taxonomy.consistent(measured.scores)[:, places]
    for row, column in np.argwhere((targets >= 0) & ((targets == 1) != answers)):
        true = [taxonomy.tags[place].name for place in places[targets[row] == 1]]
        missed = bool(targets[row, column] == 1)
        name = taxonomy.tags[places[column]].name
        yield Mistake(measured.photos[row], ", ".join(true) or "none", name, float(lifted[row, column]), missed)


def _pairs(mistakes: list[Mistake]) -> tuple[Pair, ...]:
    by_pair: dict[tuple[str, str], list[Mistake]] = defaultdict(list)
    for mistake in sorted(mistakes, key=lambda mistake: -mistake.confidence):
        by_pair[mistake.true, mistake.said].append(mistake)
    pairs = [Pair(true, said, tuple(mistake.photo for mistake in own)) for (true, said), own in by_pair.items()]
    return tuple(sorted(pairs, key=lambda pair: (-pair.count, pair.true, pair.said)))
