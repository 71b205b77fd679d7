"""The four files of a run held side by side on its validation split, and which int8 is the better one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_tagger.catalogue.run_split import where_run_split
from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.convert.sources import POST_TRAINING, QAT, read_run
from edge_tagger.convert.writer import make
from edge_tagger.errors import PhotoError
from edge_tagger.evaluate import figures
from edge_tagger.evaluation_table import format_table
from edge_tagger.files import write_json
from edge_tagger.measure import Measured, measure
from edge_tagger.metrics import macro_map
from edge_tagger.progress import Progress
from edge_tagger.terminal import echo
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.report.page import write_report
from edge_tagger.train.run import RunFolder
from edge_tagger.train.source_data import recorded_catalogue

INT8_STEPS = 256  # an int8 sigmoid answers in steps of 1/256


def compare(run: RunFolder, source: Path, recipe: Recipe) -> None:
    """Convert the run to float32, float16 and both kinds of int8, measure them on its validation split, and write
    comparison.json (the figures; which int8 is better) and the report. Better is what has the higher mean of its macro
    mAP and of each exclusive facet's top-1: a tenth of a point of the one does not outweigh a whole one of the other.

    The macro mAP of the float32 scores in steps of 1/256 stands there too: what the steps of an int8 output alone cost.
    """
    catalogue = recorded_catalogue(source, recipe, run, "val")
    if catalogue is None:
        everything = read_catalogue(source, image_column=recipe.data.image, encoding=recipe.data.encoding)
        catalogue = where_run_split(everything, run.path, "val")
    with tempfile.TemporaryDirectory(prefix="edge-tagger-") as folder:
        converted = read_run(run.path)
        files = {kind: make(converted, kind)[0] for kind in ("float32", "float16")}
        files |= {f"int8 {kind}": make(converted, "int8", quantized=kind)[0] for kind in (POST_TRAINING, QAT)}
        paths = {name: Path(folder) / f"{name}.tflite" for name in files}
        for name, data in files.items():
            paths[name].write_bytes(data)
        with Progress(len(catalogue), "compare", unit="photo") as bar:
            models = measure(
                list(paths.values()), catalogue, on_progress=bar.update, on_failure=_ignore, need_labels=False
            )
    models = tuple(replace(model, name=name) for name, model in zip(paths, models, strict=True))
    result = figures(models)
    better = max(result["models"][2:], key=standing)
    result |= {"int8": better["path"].removeprefix("int8 "), "map_macro_int8_steps": _stepped(models[0])}
    echo(*format_table(result).split("\n"))
    echo(f"int8 from {result['int8']} is the better one here and is what `convert --int8` writes")
    write_report(run.report, _better_last(models, better["path"]), run=run.path, title=recipe.name)
    write_json(run.comparison_path, result)


def standing(row: Mapping[str, Any]) -> float:
    """Of a model's figures: the mean of its macro mAP and of each facet's top-1, of those that there are."""
    known = [row["map_macro"], *(facet.get("top1") for facet in row["facets"].values())]
    return float(np.mean([value for value in known if value is not None] or [0.0]))


def _stepped(model: Measured) -> float | None:
    stepped = np.round(model.scores * INT8_STEPS).clip(0, INT8_STEPS - 1) / INT8_STEPS
    return macro_map(model.targets, stepped)


def _better_last(models: tuple[Measured, ...], name: str) -> list[Measured]:
    """The report's tags and mistakes are those of its last model."""
    return sorted(models, key=lambda model: model.name == name)


def _ignore(_photo: Any, _error: PhotoError) -> None:
    """Photos that cannot be read were told when the run began."""
