"""Models on a labelled catalogue: one row of figures for each, without TensorFlow.

The result is plain JSON; every figure is 0..1 (6 decimals), or null where no photo can tell::

    {"models": [{
        "path": "model.tflite", "size_bytes": 7801234, "photos": 876,
        "map_macro": 0.81, "map_micro": 0.93,       average precision of undecoded scores; macro: mean over the tags
        "f1_macro": 0.74, "f1_micro": 0.88,         of the answers that `tag` gives, thresholds applied
        "ece": 0.004,                               expected calibration error of the scores; 0 is best
        "facets": {
            "category": {                           an exclusive facet; its levels are named after their CSV columns
                "top1": 0.89, "coverage": 0.99,     each photo at its deepest labelled level
                "levels": {"articleType": {"top1": 0.89, "coverage": 0.99, "photos": 876}}},
            "details": {"map": 0.9, "f1": 0.88}},   an any-of facet: macro mAP, micro F1
        "labels": [{                                each column of each facet
            "facet": "category", "column": "articleType",
            "labels": 876,                          how many its cells have
            "not_measured": null,                   or why: no such column, all blank, no label that the model knows
            "unknown": [{                           the labels that the model does not know
                "label": "shirt", "photos": 3, "first": "photos.csv:17",
                "known_as": "Shirt"}]}],            the model's own label that looks like it, or null
        "difference": {                             this row minus the first row
            "map_macro": -0.01, "map_micro": ..., "f1_macro": ..., "f1_micro": ...,
            "facets": {"category": {"top1": -0.01}, "details": {"map": 0.0, "f1": 0.0}}}}],
     "failed": 0}                                   photos that could not be read; no figure counts them

Top-1 compares a cell of the CSV with the name of the node that the facet's best path has at that level, whatever the
thresholds. A label that the model does not know counts as wrong; `coverage` is the share of labelled photos whose
label it knows. A level where it knows none of the labels is not measured: its figures are null, and nothing else counts
it. Blanks, and an exclusive facet's "none" cell, are left out. mAP and F1 run over tags with at least one positive, on
what is known of each photo (edge_tagger.catalogue.labels.encode).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from edge_tagger.catalogue.source import Catalogue, Photo
from edge_tagger.errors import PhotoError
from edge_tagger.measure import Measured, measure
from edge_tagger.metrics import expected_calibration_error, macro_f1, macro_map, micro_f1, micro_map, top1
from edge_tagger.taxonomy import Facet

Row: TypeAlias = dict[str, Any]
_OVERALL = ("map_macro", "map_micro", "f1_macro", "f1_micro")


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
    ManifestError for a model, CatalogueError where no photo can be read or no label is one that a model knows.
    """
    measured = measure(models, catalogue, threads=threads, on_progress=on_progress, on_failure=on_failure)
    return figures(measured, failed=len(catalogue) - len(measured[0].photos))


def figures(measured: Sequence[Measured], *, failed: int = 0) -> dict[str, Any]:
    """The figures of models that :func:`measure` ran, without running them again. `failed` photos are only told."""
    rows = [_row(each) for each in measured]
    for row in rows:
        row["difference"] = _difference(row, rows[0])
    return {"models": rows, "failed": failed}


def _row(measured: Measured) -> Row:
    taxonomy = measured.manifest.taxonomy
    targets, scores, answers = measured.targets, measured.scores, measured.answers
    facets: dict[str, Row] = {}
    for facet in taxonomy.facets:
        if facet.exclusive:
            facets[facet.name] = _exclusive(measured, facet)
        else:
            own = taxonomy.places(facet.name)
            facets[facet.name] = {
                "map": _rounded(macro_map(targets[:, own], scores[:, own])),
                "f1": _rounded(micro_f1(targets[:, own], answers[:, own])),
            }
    return {
        "path": measured.name,
        "size_bytes": measured.size_bytes,
        "map_macro": _rounded(macro_map(targets, scores)),
        "map_micro": _rounded(micro_map(targets, scores)),
        "f1_macro": _rounded(macro_f1(targets, answers)),
        "f1_micro": _rounded(micro_f1(targets, answers)),
        "ece": _rounded(expected_calibration_error(targets, scores)),
        "photos": len(measured.photos),
        "facets": facets,
        "labels": [fit.to_json() for fit in measured.fits],
    }


def label_notes(measured: Sequence[Measured]) -> list[str]:
    """A line for each level that is not measured or has labels that a model does not know, with the models' names."""
    names: dict[str, list[str]] = {}
    for each in measured:
        for fit in each.fits:
            names.setdefault(str(fit), []).append(each.name)
    return [f"{', '.join(own)}: {line}" for line, own in names.items() if line]


def _exclusive(measured: Measured, facet: Facet) -> Row:
    taxonomy = measured.manifest.taxonomy
    labelled = measured.truths(facet)
    answered = [[taxonomy.tags[place].name for place in path] for path in measured.best_paths(facet)]
    known: dict[int, set[str]] = defaultdict(set)
    for place in taxonomy.places(facet.name):
        known[taxonomy.tags[place].level].add(taxonomy.tags[place].name)
    levels = {}
    for level, column in enumerate(facet.columns):
        truths = [cells[level] for cells in labelled]
        names = [path[level] if level < len(path) else None for path in answered]
        levels[column] = {
            **_top1_and_coverage(truths, names, [known[level]] * len(truths)),
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
