"""TensorFlow's converter: a SavedModel in, the flatbuffer of one format out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.convert.quiet import quiet
from edge_tagger.convert.utf8_path import utf8_path
from edge_tagger.errors import MissingExtraError, ModelError

_HALF = re.compile(r"[x<](b?f16)>")
_PLACE = re.compile(r'error: loc\((?:callsite\()?fused\["(\w+):", "([^"@]*)')
_REASON = re.compile(r"error: loc\(.*\)\): (.*)")
_LACKING = re.compile(r"'tf\.([A-Za-z0-9_]+)' op|\n\s*tf\.([A-Za-z0-9_]+)\(")


def flatbuffer(saved_model: Path, kind: str, *, io: str, representative: NDArray[np.uint8] | None) -> bytes:
    """Convert a SavedModel with one float32 input [1, S, S, 3]. `representative` uint8 [n, S, S, 3] sets the ranges of
    an integer format; None: the model has its own.

    Raises ModelError, with the operators by name, where TensorFlow Lite lacks some; MissingExtraError.
    """
    tf = tensorflow()
    with quiet(), utf8_path(saved_model) as path:
        try:
            converter = tf.lite.TFLiteConverter.from_saved_model(path)
            _configure(tf, converter, kind, io, representative)
            data: bytes = converter.convert()
        except Exception as error:  # ConverterError has no public name and no base of its own
            raise _refused(kind, error) from error
    return data


def _configure(tf: Any, converter: Any, kind: str, io: str, representative: NDArray[np.uint8] | None) -> None:
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        converter.inference_input_type = converter.inference_output_type = getattr(tf, io)
    if representative is not None:  # TensorFlow insists on one where it is told to allow integer operators only
        ops = tf.lite.OpsSet
        wide = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [wide if kind == "int16x8" else ops.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: ([photo[None].astype(np.float32)] for photo in representative)


def tensorflow() -> Any:
    """TensorFlow, imported without its notes. Raises MissingExtraError where it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet():
            import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError(
            f'converting needs TensorFlow ({error}); install it with: pip install "edge-tagger[train]"'
        ) from error
    return tf


def _refused(kind: str, error: Exception) -> ModelError:
    lacking = sorted({first or second for first, second in _LACKING.findall(str(error))})
    half = _HALF.search(str(error))
    if lacking and half:
        policy = "mixed_bfloat16" if half[1] == "bf16" else "mixed_float16"
        return ModelError(
            f"this model computes in {policy.removeprefix('mixed_')} (the policy {policy}?), which TensorFlow Lite "
            f"does not: {', '.join(lacking)}; save it with the policy float32, or give its Keras file, which is read so"
        )
    if lacking:
        return ModelError(
            f"TensorFlow Lite has no {kind} form of these operators: {', '.join(lacking)}; "
            "replace them in the model, or move them out of it"
        )
    places = dict.fromkeys(f"{operator} ({name})" for operator, name in _PLACE.findall(str(error)))
    reason = _REASON.search(str(error))
    if places and reason:
        return ModelError(
            f"TensorFlow cannot convert these operators to {kind}: {', '.join(places)}: {reason[1]}; replace them in "
            "the model, or move them out of it"
        )
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ModelError(f"TensorFlow cannot convert this model to {kind}: {first}")
