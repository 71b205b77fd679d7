"""Models on a labelled catalogue: one row of figures for each, without TensorFlow.

The result is plain JSON; every figure is 0..1 (6 decimals), or null where no photo can tell::

    {"models": [{
        "path": "model.tflite", "size_bytes": 7801234, "photos": 876,
        "map_macro": 0.81, "map_micro": 0.93,       average precision of undecoded scores; macro: mean over the tags
        "f1_macro": 0.74, "f1_micro": 0.88,         of the answers that `tag` gives, thresholds applied
        "facets": {
            "category": {                           an exclusive facet; its levels are named after their CSV columns
                "top1": 0.89, "coverage": 0.99,     each photo at its deepest labelled level
                "levels": {"articleType": {"top1": 0.89, "coverage": 0.99, "photos": 876}}},
            "details": {"map": 0.9, "f1": 0.88}},   an any-of facet: macro mAP, micro F1
        "difference": {                             this row minus the first row
            "map_macro": -0.01, "map_micro": ..., "f1_macro": ..., "f1_micro": ...,
            "facets": {"category": {"top1": -0.01}, "details": {"map": 0.0, "f1": 0.0}}}}],
     "failed": 0}                                   photos that could not be read; no figure counts them

Top-1 compares a cell of the CSV with the name of the node that the facet's best path has at that level, whatever the
thresholds. A label that the model does not know counts as wrong; `coverage` is the share of labelled photos whose
label it knows. Blanks, and an exclusive facet's "none" cell, are left out. mAP and F1 run over tags with at least one
positive, on what is known of each photo (edge_tagger.catalogue.labels.encode).
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import encode
from edge_tagger.catalogue.source import Catalogue, Photo
from edge_tagger.errors import CatalogueError, PhotoError
from edge_tagger.images import Pixels, load_photo, resize
from edge_tagger.manifest import Manifest
from edge_tagger.metrics import macro_f1, macro_map, micro_f1, micro_map, top1
from edge_tagger.tagger import Tagger
from edge_tagger.taxonomy import Facet, Scores, Taxonomy

Row: TypeAlias = dict[str, Any]
_OVERALL = ("map_macro", "map_micro", "f1_macro", "f1_micro")
_DECODED_AHEAD = 8  # photos at the models' sizes that wait for inference


def evaluate(
    models: Sequence[str | os.PathLike[str]],
    catalogue: Catalogue,
    *,
    threads: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_failure: Callable[[Photo, PhotoError], None] | None = None,
) -> dict[str, Any]:
    """The figures of each model on every photo of the catalogue, as the module's docstring lays them out.

    `on_progress` gets 1 after each photo, `on_failure` each photo that cannot be read. Raises ModelError or
    ManifestError for a model, CatalogueError where a column of a facet is missing or no photo can be read.
    """
    taggers = [Tagger(model, threads=threads) for model in models]
    for tagger in taggers:
        _require_columns(catalogue, tagger)
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
    rows = [_row(tagger, read, np.stack(own)) for tagger, own in zip(taggers, scores, strict=True)]
    for row in rows:
        row["difference"] = _difference(row, rows[0])
    return {"models": rows, "failed": len(catalogue) - len(read)}


def _require_columns(catalogue: Catalogue, tagger: Tagger) -> None:
    for facet in _manifest(tagger).taxonomy.facets:
        for column in facet.columns:
            if column not in catalogue.columns:
                raise CatalogueError(
                    f"{tagger.model.name} reads facet {facet.name!r} from the column {column!r}, which "
                    f"{catalogue.source} lacks; it has {', '.join(catalogue.columns)}; rename the column"
                )


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
        pixels = load_photo(photo.path)
    except PhotoError as error:
        return error
    return {size: resize(pixels, size) for size in sizes}


def _row(tagger: Tagger, photos: Sequence[Photo], scores: Scores) -> Row:
    manifest = _manifest(tagger)
    taxonomy = manifest.taxonomy
    targets = encode(taxonomy, photos)
    answers = _answers(manifest, scores)
    facets: dict[str, Row] = {}
    for facet in taxonomy.facets:
        if facet.exclusive:
            facets[facet.name] = _exclusive(taxonomy, facet, photos, scores)
        else:
            own = taxonomy.places(facet.name)
            facets[facet.name] = {
                "map": _rounded(macro_map(targets[:, own], scores[:, own])),
                "f1": _rounded(micro_f1(targets[:, own], answers[:, own])),
            }
    return {
        "path": tagger.model.name,
        "size_bytes": len(tagger.model.data),
        "map_macro": _rounded(macro_map(targets, scores)),
        "map_micro": _rounded(micro_map(targets, scores)),
        "f1_macro": _rounded(macro_f1(targets, answers)),
        "f1_micro": _rounded(micro_f1(targets, answers)),
        "photos": len(photos),
        "facets": facets,
    }


def _answers(manifest: Manifest, scores: Scores) -> NDArray[np.bool_]:
    """bool [photos, N]: the tags that each photo is answered with."""
    thresholds = np.asarray(manifest.thresholds, dtype=np.float32)
    answers = np.zeros(scores.shape, dtype=np.bool_)
    for row, vector in zip(answers, scores, strict=True):
        row[manifest.taxonomy.decode(vector, thresholds)] = True
    return answers


def _exclusive(taxonomy: Taxonomy, facet: Facet, photos: Sequence[Photo], scores: Scores) -> Row:
    labelled = [_cells(facet, photo) for photo in photos]
    answered = [[taxonomy.tags[place].name for place in taxonomy.best_path(facet.name, row)] for row in scores]
    known: dict[int, set[str]] = defaultdict(set)
    for place in taxonomy.places(facet.name):
        known[taxonomy.tags[place].level].add(taxonomy.tags[place].name)
    levels = {}
    for level, column in enumerate(facet.columns):
        truths = [cells[level] for cells in labelled]
        names = [path[level] if level < len(path) else None for path in answered]
        levels[column] = {
            **_top1_and_coverage(truths, names, [known[level]] * len(photos)),
            "photos": sum(truth is not None for truth in truths),
        }
    deepest = [max((level for level, cell in enumerate(cells) if cell is not None), default=0) for cells in labelled]
    return {
        **_top1_and_coverage(
            [cells[level] for cells, level in zip(labelled, deepest, strict=True)],
            [path[level] if level < len(path) else None for path, level in zip(answered, deepest, strict=True)],
            [known[level] for level in deepest],
        ),
        "levels": levels,
    }


def _cells(facet: Facet, photo: Photo) -> list[str | None]:
    """The label at each level of an exclusive facet, None where blank; a "none" cell labels nothing."""
    if facet.none is not None and photo.values[facet.columns[0]] == facet.none:
        return [None] * len(facet.columns)
    return [photo.values[column] or None for column in facet.columns]


def _top1_and_coverage(
    truths: Sequence[str | None], names: Sequence[str | None], known: Sequence[set[str]]
) -> dict[str, float | None]:
    covered = [truth in names for truth, names in zip(truths, known, strict=True) if truth is not None]
    coverage = sum(covered) / len(covered) if covered else None
    return {"top1": _rounded(top1(truths, names)), "coverage": _rounded(coverage)}


def _difference(row: Row, first: Row) -> Row:
    return {
        **{name: _minus(row[name], first[name]) for name in _OVERALL},
        "facets": {
            facet: {
                name: _minus(figures[name], first["facets"][facet][name])
                for name in ("top1", "map", "f1")
                if name in figures and name in first["facets"].get(facet, {})
            }
            for facet, figures in row["facets"].items()
        },
    }


def _minus(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else _rounded(value - other)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _manifest(tagger: Tagger) -> Manifest:
    assert tagger.manifest is not None  # Tagger without labels always has one
    return tagger.manifest
