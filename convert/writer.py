"""From the SavedModels of a run to .tflite files that keep the model contract, with the manifest inside."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.convert.metadata import with_metadata
from edge_tagger.convert.quiet import quiet
from edge_tagger.errors import ManifestError, MissingExtraError, ModelError, RunError
from edge_tagger.files import write_bytes
from edge_tagger.interpreter import Model
from edge_tagger.manifest import Manifest

FORMATS = ("float32", "float16", "int8")
QAT, POST_TRAINING = "qat", "post-training"


def convert(
    run: Path,
    formats: Sequence[str],
    *,
    out: Path | None = None,
    quantized: str | None = None,
    on_file: Callable[[Path], None] = lambda _path: None,
) -> list[Path]:
    """Write `NAME-FORMAT.tflite` for each of `formats` into `out` (default: the run) and return the paths.

    int8 comes from the quantization-aware model ("qat"), or from the float model and the run's representative photos,
    which are of its training split ("post-training"); without `quantized` it is what the run's comparison on its
    validation split found to be better. A file gets its name only after it has been loaded in
    LiteRT and held against the contract. `on_file` is told each file when it is written.

    Raises RunError where the run is not finished, ModelError where a file would break the contract, OutputError.
    """
    manifest = _read_manifest(run)
    folder = out or run
    paths = []
    chosen = quantized or _better(run)
    for kind in formats:
        source = run / ("qat" if kind == "int8" and chosen == QAT else "float")
        if not (source / "saved_model.pb").exists():
            raise RunError(f"{run} has no finished {source.name} model; finish it with `edge-tagger train --resume`")
        flatbuffer = _convert(source, kind, _representative(run) if kind == "int8" and chosen != QAT else None)
        made = {"format": kind, "quantized": chosen} if kind == "int8" else {"format": kind}
        described = replace(manifest, provenance={**manifest.provenance, **made})
        data = with_metadata(flatbuffer, described)
        check_contract(data, described, integer=kind == "int8")
        path = folder / f"{manifest.name}-{kind}.tflite"
        write_bytes(path, data)
        on_file(path)
        paths.append(path)
    return paths


def check_contract(data: bytes, manifest: Manifest, *, integer: bool) -> None:
    """Raises ModelError where a converted model does not take pixels as they are and give one score for each tag."""
    model = Model(data)
    size, tags = manifest.image_size, len(manifest.taxonomy)
    problems = []
    if len(model.inputs) != 1 or tuple(model.inputs[0].shape) != (1, size, size, 3):
        problems.append(f"inputs {[tuple(t.shape) for t in model.inputs]}, wanted one of (1, {size}, {size}, 3)")
    if len(model.outputs) != 1 or tuple(model.outputs[0].shape) != (1, tags):
        problems.append(f"outputs {[tuple(t.shape) for t in model.outputs]}, wanted one of (1, {tags})")
    wanted = "uint8" if integer else "float32"
    problems += [
        f"{tensor.name} is {np.dtype(tensor.dtype).name}, wanted {wanted}"
        for tensor in (*model.inputs, *model.outputs)
        if np.dtype(tensor.dtype).name != wanted
    ]
    if integer and (model.inputs[0].scale, model.inputs[0].zero_point) != (1.0, 0):
        tensor = model.inputs[0]
        problems.append(f"the input has scale {tensor.scale} and zero point {tensor.zero_point}, wanted 1 and 0")
    if problems:
        raise ModelError(f"the converted model breaks the contract: {'; '.join(problems)}; no file was written")


def _convert(source: Path, kind: str, representative: NDArray[np.uint8] | None) -> bytes:
    tf = _tensorflow()
    converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    if representative is not None:  # TensorFlow insists on one where it is told to allow integer operators only
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: ([photo[None].astype(np.float32)] for photo in representative)
    with quiet():
        data: bytes = converter.convert()
    return data


def _better(run: Path) -> str:
    """Which int8 the run's comparison found to be better; QAT where there was none."""
    try:
        found = json.loads((run / "comparison.json").read_text(encoding="utf-8"))["int8"]
    except FileNotFoundError:
        return QAT
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"cannot read {run / 'comparison.json'}: {error}") from error
    return str(found)


def _representative(run: Path) -> NDArray[np.uint8]:
    try:
        photos: NDArray[np.uint8] = np.load(run / "representative.npy")
    except (OSError, ValueError) as error:
        raise RunError(f"{run} has no readable representative.npy ({error}); train it again") from error
    return photos


def _read_manifest(run: Path) -> Manifest:
    path = run / "manifest.json"
    try:
        return Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"{run} is not a run: it has no manifest.json; give the --out folder of a training") from error
    except (OSError, ValueError, ManifestError) as error:
        raise RunError(f"cannot read {path}: {error}") from error


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet():
            import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError(
            f'converting needs TensorFlow ({error}); install it with: pip install "edge-tagger[train]"'
        ) from error
    return tf
