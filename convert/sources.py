"""What is converted, wherever it comes from: SavedModels, a manifest, photos to calibrate and to verify with."""

from __future__ import annotations

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
from edge_tagger.json_fields import Fields
from edge_tagger.manifest import Manifest
from edge_tagger.reading import read_array, read_json, reason, utf8_name

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
    size = manifest.image_size
    photos = _read_array(run / "representative.npy", np.uint8, (None, size, size, 3))
    return Source(
        path=run,
        manifest=manifest,
        float_model=run / "float",
        quantized_model=run / "qat",
        quantized=_better(run),
        representative=Representative(photos, f"the training split of {utf8_name(run)}"),
        validation=_validation(run, len(manifest.taxonomy)),
    )


def photos_of_split(run: Path, split: str) -> list[tuple[int, Path]]:
    """(row of targets.npy, path) of a run's photos in `split`. Raises RunError."""
    return [(place, path) for place, (path, name) in enumerate(run_photos(run)) if name == split]


def _validation(run: Path, tags: int) -> Labelled | None:
    """The validation photos that are still where they were; None where not one is."""
    rows = run_photos(run)
    targets: Targets = _read_array(run / "targets.npy", np.int8, (len(rows), tags))
    found = [(place, path) for place, (path, split) in enumerate(rows) if split == "val" and path.exists()]
    if not found:
        return None
    return Labelled(tuple(path for _, path in found), targets[[place for place, _ in found]])


def _read_array(path: Path, kind: type[np.generic], shape: tuple[int | None, ...]) -> NDArray[Any]:
    try:
        array = read_array(path, kind=kind, shape=shape)
        if not array.size:
            raise ValueError("it is empty")
    except (OSError, ValueError) as error:
        raise RunError(f"{path.parent} has no usable {path.name} ({reason(error)}); train it again") from error
    return array


def _better(run: Path) -> str:
    """Which int8 the run's comparison found to be better; QAT where there was none."""
    path = run / "comparison.json"
    try:
        found = Fields(read_json(path)).text("int8")
        if found not in (QAT, POST_TRAINING):
            raise ValueError(f"its int8 is {found!r}; it must be {QAT!r} or {POST_TRAINING!r}")
    except FileNotFoundError:
        return QAT
    except (OSError, ValueError) as error:
        raise RunError(
            f"cannot read {path}: {reason(error)}; delete it and finish the run with `edge-tagger train --resume`"
        ) from error
    return found


def _read_manifest(run: Path) -> Manifest:
    path = run / "manifest.json"
    try:
        return Manifest.from_json(read_json(path))
    except FileNotFoundError as error:
        raise RunError(f"{run} is not a run: it has no manifest.json; give the --out folder of a training") from error
    except (OSError, ValueError, ManifestError) as error:
        raise RunError(f"cannot read {path}: {reason(error)}") from error
