"""What is converted, wherever it comes from: SavedModels, a manifest, photos to calibrate and to verify with."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import Targets
from edge_tagger.catalogue.run_split import run_photos
from edge_tagger.convert.representative import Representative
from edge_tagger.convert.saved_model import check_saved_model
from edge_tagger.errors import ManifestError, RunError
from edge_tagger.manifest import Manifest

QAT, POST_TRAINING = "qat", "post-training"


@dataclass(frozen=True)
class Labelled:
    """Photos to verify with; `targets` int8 [n, N] as edge_tagger.catalogue.labels.encode has them."""

    paths: tuple[Path, ...]
    targets: Targets


@dataclass(frozen=True)
class Source:
    """A model to convert. `float_model` and `quantized_model` (quantization-aware, with ranges of its own) are
    SavedModels float32 [1, S, S, 3] -> scores [1, N]; `quantized` is the way to int8 that was found to be better. A
    `recurrent` model has loops, on which TensorFlow's calibrator crashes."""

    path: Path
    manifest: Manifest
    float_model: Path
    quantized_model: Path | None = None
    quantized: str = POST_TRAINING
    representative: Representative | None = None
    recurrent: bool = False
    validation: Labelled | None = None


def read_run(run: Path, *, unsafe: bool = False) -> Source:
    """A finished training. `unsafe` lets code that is inside its models run.

    Raises RunError where the folder is none, ModelError where a model could run code or touch files: a run may be
    another's.
    """
    manifest = _read_manifest(run)
    for name in ("float", "qat"):
        if not (run / name / "saved_model.pb").exists():
            raise RunError(f"{run} has no finished {name} model; finish it with `edge-tagger train --resume`")
        if not unsafe:
            check_saved_model(run / name)
    photos = _array(run, "representative.npy", axes=4)
    return Source(
        path=run,
        manifest=manifest,
        float_model=run / "float",
        quantized_model=run / "qat",
        quantized=_better(run),
        representative=Representative(photos, f"the training split of {run.name}"),
        validation=_validation(run),
    )


def photos_of_split(run: Path, split: str) -> list[tuple[int, Path]]:
    """(row of targets.npy, path) of a run's photos in `split`. Raises RunError."""
    return [(place, path) for place, (path, name) in enumerate(run_photos(run)) if name == split]


def _validation(run: Path) -> Labelled | None:
    """The validation photos that are still where they were; None where not one is."""
    found = [(place, path) for place, path in photos_of_split(run, "val") if path.exists()]
    targets: Targets = _array(run, "targets.npy", axes=2)
    if not found:
        return None
    return Labelled(tuple(path for _, path in found), targets[[place for place, _ in found]])


def _array(run: Path, name: str, *, axes: int) -> NDArray[Any]:
    """Numbers alone: numpy makes no objects from a file unless it is asked to."""
    try:
        array = np.load(run / name, allow_pickle=False)
        if not isinstance(array, np.ndarray) or array.ndim != axes:
            raise ValueError(f"it holds no array of {axes} axes")
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{run} has no readable {name} ({error}); train it again") from error
    return array


def _better(run: Path) -> str:
    """Which int8 the run's comparison found to be better; QAT where there was none."""
    try:
        found = json.loads((run / "comparison.json").read_text(encoding="utf-8"))["int8"]
    except FileNotFoundError:
        return QAT
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"cannot read {run / 'comparison.json'}: {error}") from error
    return str(found)


def _read_manifest(run: Path) -> Manifest:
    path = run / "manifest.json"
    try:
        return Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"{run} is not a run: it has no manifest.json; give the --out folder of a training") from error
    except (OSError, ValueError, RecursionError, ManifestError) as error:
        raise RunError(f"cannot read {path}: {error}") from error
