"""How the labels of photos fit the tags of a model: which of them it does not know, and which levels of its facets
cannot be measured on them. A level that no label fits has no figure: 0 would say that the model is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edge_tagger.catalogue.alike import Spelling, look_alike_key, spellings, visible
from edge_tagger.catalogue.labels import UNKNOWN, Targets
from edge_tagger.catalogue.source import Photo
from edge_tagger.taxonomy import Facet, Taxonomy

_SHOWN = 5


@dataclass(frozen=True)
class UnknownLabel:
    """A label that the model does not know; `known_as` is the one of its own that looks like it."""

    written: Spelling
    known_as: str | None

    def __str__(self) -> str:
        alike = self.known_as is not None
        also = f"; the model has '{visible(self.known_as or '', letters=True)}'" if alike else ""
        label = visible(self.written.label, letters=alike)
        return f"'{label}' ({self.written.photos} photos, first at {self.written.first}{also})"


@dataclass(frozen=True)
class LevelFit:
    """One column of a facet: how many `labels` its cells have, which are unknown, and why the level is not measured;
    `not_measured` is None where it is."""

    facet: str
    column: str
    level: int
    labels: int
    unknown: tuple[UnknownLabel, ...]
    not_measured: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "facet": self.facet,
            "column": self.column,
            "labels": self.labels,
            "not_measured": self.not_measured,
            "unknown": [
                {
                    "label": each.written.label,
                    "photos": each.written.photos,
                    "first": each.written.first,
                    "known_as": each.known_as,
                }
                for each in self.unknown
            ],
        }

    def __str__(self) -> str:
        """What is to be said of it; "" for nothing."""
        if self.not_measured is not None:
            return f"{self.facet} is not measured by {self.column}: {self.not_measured}"
        if not self.unknown:
            return ""
        count = sum(each.written.photos for each in self.unknown)
        told = f"{count} of {self.labels} labels are none of the model's and count as wrong"
        return f"{self.facet} by {self.column}: {told}: {_some(self.unknown)}"


def fit_labels(taxonomy: Taxonomy, photos: Sequence[Photo]) -> tuple[LevelFit, ...]:
    """Each level of each facet, in the order of the taxonomy."""
    return tuple(_fits(taxonomy, photos))


def problem(fits: Sequence[LevelFit]) -> str | None:
    """Why nothing at all can be measured; None where something can."""
    if not fits or any(fit.not_measured is None for fit in fits):
        return None
    return "; ".join(str(fit) for fit in fits[:_SHOWN]) + (f"; and {len(fits) - _SHOWN} more" * (len(fits) > _SHOWN))


def forget_unmeasured(taxonomy: Taxonomy, fits: Sequence[LevelFit], targets: Targets) -> None:
    """Make unknown, in place, what int8 [photos, N] say of the tags of levels that no label fits."""
    unmeasured = {(fit.facet, fit.level) for fit in fits if fit.not_measured is not None}
    targets[:, [(tag.facet, tag.level) in unmeasured for tag in taxonomy.tags]] = UNKNOWN


def _fits(taxonomy: Taxonomy, photos: Sequence[Photo]) -> Iterator[LevelFit]:
    known: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
    for tag in taxonomy.tags:
        known[tag.facet, tag.level][tag.name] = None
    for facet in taxonomy.facets:
        for level, column in enumerate(facet.columns):
            yield _fit(facet, level, column, photos, known[facet.name, level])


def _fit(facet: Facet, level: int, column: str, photos: Sequence[Photo], known: dict[str, None]) -> LevelFit:
    written = spellings(facet, column, photos)
    labels = [each for each in written if each.label != facet.none]
    alike = {look_alike_key(name): name for name in known}
    unknown = tuple(
        UnknownLabel(each, alike.get(look_alike_key(each.label)))
        for each in sorted(labels, key=lambda each: -each.photos)
        if each.label not in known
    )
    why = None
    if not any(column in photo.values for photo in photos):
        why = "there is no such column"
    elif not written:
        why = "its cells are blank"
    elif labels and len(unknown) == len(labels):
        why = f"none of its labels is one of the model's: {_some(unknown)}"
    return LevelFit(facet.name, column, level, sum(each.photos for each in labels), unknown, why)


def _some(unknown: Sequence[UnknownLabel]) -> str:
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return ", ".join(map(str, unknown[:_SHOWN])) + more
