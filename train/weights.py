"""Pretrained weights: read from a file by name or by the graph, held against the model's names and shapes, and folded.

A file is a .safetensors in the names of `resnet.build` (either form) or in those of torchvision and timm, or a float
.tflite of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from safetensors.numpy import save

from edge_tagger.errors import RunError
from edge_tagger.files import write_bytes
from edge_tagger.reading import reason
from edge_tagger.train.backbones import BACKBONES
from edge_tagger.train.checkpoint import read_tensors
from edge_tagger.train.differences import check_names
from edge_tagger.train.resnet import EPSILON, Weights, fold, weight_shapes
from edge_tagger.train.tflite_weights import TFLITE_SUFFIX, read_tflite
from edge_tagger.train.torch_names import are_torch_names, from_torch

__all__ = ["check_names", "pixel_affine", "read_pretrained", "save_weights"]

_INPUT_NORM = "stem.input_norm."
_Value = TypeVar("_Value")


def pixel_affine(backbone: str) -> Weights:
    """The layer "input" that turns RGB 0..255 into what the backbone's weights expect: (x / 255 - mean) / std."""
    spec = BACKBONES[backbone]
    std = np.array(spec.std, np.float32)
    return {
        "input.depthwise_kernel": (1 / (255 * std)).reshape(1, 1, 3, 1).astype(np.float32),
        "input.bias": (-np.array(spec.mean, np.float32) / std).astype(np.float32),
    }


def read_pretrained(path: Path, backbone: str, stages: int, *, tags: Sequence[str] | None = None) -> Weights:
    """The folded weights of a backbone's first stages, from a file that may hold more of them.

    A pre-activation backbone's final norm belongs to the last stage of the file; after fewer stages it is the identity.
    With `tags` (identities, in output order) the head comes too, which only a .tflite of ours knows the tags of.
    Raises RunError where the file cannot be read, lists each difference where it is of another architecture, and names
    the tags that it does not know; ModelError for a broken .tflite, ManifestError for one without tags.
    """
    if path.suffix == TFLITE_SUFFIX:
        return _first_stages(read_tflite(path, backbone, stages, tags=tags), backbone, stages)
    if tags is not None:
        raise RunError(f"{path} does not say which tags its head is for; give a .tflite of edge-tagger")
    raw = {name: value for name, value in _load(path).items() if not name.startswith("head.")}
    source, preactivation = str(path), BACKBONES[backbone].preactivation
    if are_torch_names(raw) and not preactivation:
        expected = _without_input(weight_shapes(backbone, stages=stages, folded=False))
        named = from_torch(raw, expected, stages=stages, source=source)
        return {**fold(named, backbone), **pixel_affine(backbone)}
    folded = not any(name.endswith(".moving_mean") for name in raw)
    kept = {name: value for name, value in raw.items() if not _beyond(name, stages)}
    expected = weight_shapes(backbone, stages=stages, folded=folded)
    if len(kept) < len(raw):  # the final norm, if there is one, is of a later stage
        kept, expected = _without_final_norm(kept), _without_final_norm(expected)
    check_names(kept, _with_input_of(kept, expected), source)
    own = _without_input(kept)
    return _first_stages({**(own if folded else fold(own, backbone)), **_input(kept, backbone)}, backbone, stages)


def save_weights(path: Path, weights: Weights) -> None:
    """Write weights as safetensors, wholly or not at all. Raises OutputError."""
    write_bytes(path, save(weights))


def _load(path: Path) -> Weights:
    try:
        arrays, _ = read_tensors(path)
    except (OSError, ValueError) as error:
        raise RunError(
            f"cannot read the weights {path}: {reason(error)}; give a .safetensors file of float32 or float16, "
            f"or a float {TFLITE_SUFFIX} of edge-tagger"
        ) from error
    arrays = {name: value for name, value in arrays.items() if not name.endswith(".num_batches_tracked")}  # of torch
    for name, value in arrays.items():
        if value.dtype.kind != "f" or not np.isfinite(value).all():
            what = "holds values that are not finite" if value.dtype.kind == "f" else f"is {value.dtype}, not float"
            raise RunError(f"cannot use the weights {path}: {name} {what}; give weights as they were trained")
    return {name: np.asarray(value, np.float32) for name, value in arrays.items()}


def _first_stages(weights: Weights, backbone: str, stages: int) -> Weights:
    """Folded weights of the first stages; the final norm is the identity where it belonged to a later one."""
    kept = {name: value for name, value in weights.items() if not _beyond(name, stages)}
    if BACKBONES[backbone].preactivation and (len(kept) < len(weights) or "final_norm.bias" not in kept):
        channels = BACKBONES[backbone].channels(stages - 1)
        kept["final_norm.depthwise_kernel"] = np.ones((1, 1, channels, 1), np.float32)
        kept["final_norm.bias"] = np.zeros(channels, np.float32)
    return kept


def _input(weights: Weights, backbone: str) -> Weights:
    """The file's own layer "input" or, without one, the pixel affine, followed by the weights' own normalization of
    the input where they have one."""
    own = {name: value for name, value in weights.items() if name.startswith("input.")}
    affine = own or pixel_affine(backbone)
    norm = {n.removeprefix(_INPUT_NORM): value for n, value in weights.items() if n.startswith(_INPUT_NORM)}
    if not norm:
        return affine
    scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + EPSILON)
    return {
        "input.depthwise_kernel": (affine["input.depthwise_kernel"] * scale.reshape(1, 1, 3, 1)).astype(np.float32),
        "input.bias": ((affine["input.bias"] - norm["moving_mean"]) * scale + norm["beta"]).astype(np.float32),
    }


def _with_input_of(weights: Weights, expected: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """`expected` with those layers of the input that the file has: each is optional, but whole."""
    if not any(name.startswith("input.") for name in weights):
        expected = _without_input(expected)
    if any(name.startswith(_INPUT_NORM) for name in weights):
        expected = expected | {
            _INPUT_NORM + short: (3,) for short in ("gamma", "beta", "moving_mean", "moving_variance")
        }
    return expected


def _without_input(named: dict[str, _Value]) -> dict[str, _Value]:
    return {name: value for name, value in named.items() if not name.startswith(("input.", _INPUT_NORM))}


def _without_final_norm(named: dict[str, _Value]) -> dict[str, _Value]:
    return {name: value for name, value in named.items() if not name.startswith("final_norm.")}


def _beyond(name: str, stages: int) -> bool:
    return name.startswith("stage") and int(name[5]) > stages
