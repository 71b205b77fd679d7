"""What models say to every photo of a labelled catalogue: the raw material of figures and reports."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.csv_file import listed
from edge_tagger.catalogue.label_fit import LevelFit, fit_labels, forget_unmeasured, problem
from edge_tagger.catalogue.labels import Targets, encode
from edge_tagger.catalogue.source import Catalogue, Photo
from edge_tagger.errors import CatalogueError, PhotoError
from edge_tagger.images import Pixels, load_resized
from edge_tagger.manifest import Manifest
from edge_tagger.tagger import Tagger
from edge_tagger.taxonomy import Facet, Scores

Answers = NDArray[np.bool_]
_DECODED_AHEAD = 8  # photos at the models' sizes that wait for inference


@dataclass(frozen=True, eq=False)
class Measured:
    """One model and what it said to the photos that could be read.

    `scores` float32 [photos, N] are the model's own, undecoded; `targets` int8 [photos, N] as
    edge_tagger.catalogue.labels.encode has them, all unknown at a level that no label fits; `answers` bool [photos, N]
    the tags that `tag` gives; `fits` say of each level of each facet which labels the model does not know.
    """

    name: str
    size_bytes: int
    manifest: Manifest
    photos: tuple[Photo, ...]
    scores: Scores
    targets: Targets
    answers: Answers
    fits: tuple[LevelFit, ...] = ()

    def __post_init__(self) -> None:
        shape = (len(self.photos), len(self.manifest.taxonomy))
        for name in ("scores", "targets", "answers"):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{self.name}: {name} are {list(getattr(self, name).shape)}, not {list(shape)}")

    @classmethod
    def of(cls, name: str, size_bytes: int, manifest: Manifest, photos: Sequence[Photo], scores: Scores) -> Measured:
        """Targets from the photos' cells, answers from the scores and the manifest's thresholds."""
        targets, fits = encode(manifest.taxonomy, photos), fit_labels(manifest.taxonomy, photos)
        forget_unmeasured(manifest.taxonomy, fits, targets)
        return cls(name, size_bytes, manifest, tuple(photos), scores, targets, _answers(manifest, scores), fits)

    def truths(self, facet: Facet) -> list[list[str | None]]:
        """For each photo its cell at each level of an exclusive facet: None where blank, for a "none" cell, and at a
        level that no label of all photos fits."""
        unmeasured = {fit.column for fit in self.fits if fit.facet == facet.name and fit.not_measured is not None}
        return [_cells(facet, photo, unmeasured) for photo in self.photos]

    def best_paths(self, facet: Facet) -> list[list[int]]:
        """For each photo the places of an exclusive facet's best path, whatever the thresholds."""
        return [self.manifest.taxonomy.best_path(facet.name, row) for row in self.scores]


def measure(
    models: Sequence[str | os.PathLike[str]],
    catalogue: Catalogue,
    *,
    threads: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_failure: Callable[[Photo, PhotoError], None] | None = None,
    need_labels: bool = True,
) -> tuple[Measured, ...]:
    """Each model on every photo of the catalogue, in the order given; each photo is decoded once for each input size.

    `on_progress` gets 1 after each photo, `on_failure` each photo that cannot be read. Raises ModelError or
    ManifestError for a model, CatalogueError where no photo can be read and, with `need_labels`, where no column of the
    catalogue has a label that a model knows.
    """
    taggers = [Tagger(model, threads=threads) for model in models]
    catalogue = replace(catalogue, photos=tuple(_with_columns(photo, catalogue.columns) for photo in catalogue.photos))
    for tagger in taggers if need_labels else ():
        if why := problem(fit_labels(_manifest(tagger).taxonomy, catalogue.photos)):
            raise CatalogueError(
                f"{catalogue.source} has no label to measure {tagger.model.name} by: {why}; "
                f"its columns are {listed(catalogue.columns)}"
            )
    read: list[Photo] = []
    scores: list[list[Scores]] = [[] for _ in taggers]
    for photo, sized in _decoded(catalogue.photos, sorted({tagger.model.input_size for tagger in taggers})):
        if isinstance(sized, PhotoError):
            if on_failure is not None:
                on_failure(photo, sized)
        else:
            read.append(photo)
            for own, tagger in zip(scores, taggers, strict=True):
                own.append(tagger.model.scores(sized[tagger.model.input_size]))
        if on_progress is not None:
            on_progress(1)
    if not read:
        raise CatalogueError(f"none of the {len(catalogue)} photos of {catalogue.source} can be read; check its paths")
    return tuple(
        Measured.of(tagger.model.name, len(tagger.model.data), _manifest(tagger), read, np.stack(own))
        for tagger, own in zip(taggers, scores, strict=True)
    )


def _with_columns(photo: Photo, columns: Sequence[str]) -> Photo:
    if all(column in columns for column in photo.values):
        return photo
    return replace(photo, values={column: value for column, value in photo.values.items() if column in columns})


def _decoded(
    photos: Sequence[Photo], sizes: Sequence[int]
) -> Iterator[tuple[Photo, Mapping[int, Pixels] | PhotoError]]:
    """Each photo at each size, in order; a second thread decodes a few photos ahead."""
    waiting: deque[tuple[Photo, Future[Mapping[int, Pixels] | PhotoError]]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for photo in photos:
                waiting.append((photo, pool.submit(_load_sizes, photo, sizes)))
                if len(waiting) > _DECODED_AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _load_sizes(photo: Photo, sizes: Sequence[int]) -> Mapping[int, Pixels] | PhotoError:
    try:
        return {size: load_resized(photo.file(), size) for size in sizes}
    except PhotoError as error:
        return error


def _answers(manifest: Manifest, scores: Scores) -> Answers:
    thresholds = np.asarray(manifest.thresholds, dtype=np.float32)
    answers = np.zeros(scores.shape, dtype=np.bool_)
    for row, vector in zip(answers, scores, strict=True):
        row[manifest.taxonomy.decode(vector, thresholds)] = True
    return answers


def _cells(facet: Facet, photo: Photo, unmeasured: Collection[str]) -> list[str | None]:
    if facet.none is not None and photo.values.get(facet.columns[0]) == facet.none:
        return [None] * len(facet.columns)
    return [None if column in unmeasured else photo.values.get(column) or None for column in facet.columns]


def _manifest(tagger: Tagger) -> Manifest:
    assert tagger.manifest is not None  # Tagger without labels always has one
    return tagger.manifest
