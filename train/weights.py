"""Pretrained weights: read from safetensors by name, folded, and held against the model's own names and shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from edge_tagger.errors import RunError
from edge_tagger.files import write_bytes
from edge_tagger.train.backbones import BACKBONES
from edge_tagger.train.resnet import EPSILON, Weights, fold

_MAX_LISTED = 6
_INPUT_NORM = "stem.input_norm."


def pixel_affine(backbone: str) -> Weights:
    """The layer "input" that turns RGB 0..255 into what the backbone's weights expect: (x / 255 - mean) / std."""
    spec = BACKBONES[backbone]
    std = np.array(spec.std, np.float32)
    return {
        "input.depthwise_kernel": (1 / (255 * std)).reshape(1, 1, 3, 1).astype(np.float32),
        "input.bias": (-np.array(spec.mean, np.float32) / std).astype(np.float32),
    }


def read_pretrained(path: Path, backbone: str, stages: int) -> Weights:
    """The folded weights of a backbone's first stages, without a head, from a safetensors file in the names of
    `resnet.build`.

    A pre-activation backbone's final norm belongs to the last stage of the file; after fewer stages it is the identity.
    Raises RunError where the file cannot be read, or lists each difference where it is of another architecture.
    """
    try:
        raw = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"cannot read the weights {path}: {error}; give a .safetensors file") from error
    raw = {name: value for name, value in raw.items() if not name.startswith("head.")}
    kept = {name: np.asarray(value, np.float32) for name, value in raw.items() if not _beyond(name, stages)}
    if len(kept) < len(raw) and BACKBONES[backbone].preactivation:
        kept = {name: value for name, value in kept.items() if not name.startswith("final_norm.")}
        kept |= _identity_norm("final_norm", BACKBONES[backbone].channels(stages - 1))
    own_input = {name: kept.pop(name) for name in list(kept) if name.startswith(_INPUT_NORM)}
    return {**fold(kept, backbone), **_input_with_norm(own_input, backbone)}


def check_names(weights: Weights, expected: dict[str, tuple[int, ...]], source: str) -> None:
    """Raises RunError, listing both sides, where `weights` lacks a name of `expected` or has another shape there."""
    missing = sorted(set(expected) - set(weights))
    wrong = sorted(n for n in expected if n in weights and weights[n].shape != expected[n])
    if missing or wrong:
        told = [f"{n}: not in the file" for n in missing]
        told += [f"{n}: file {weights[n].shape}, model {expected[n]}" for n in wrong]
        more = f" and {len(told) - _MAX_LISTED} more" if len(told) > _MAX_LISTED else ""
        raise RunError(
            f"{source} does not fit the model: {'; '.join(told[:_MAX_LISTED])}{more}; "
            "use weights of the recipe's backbone and stages"
        )


def save_weights(path: Path, weights: Weights) -> None:
    """Write weights as safetensors, wholly or not at all. Raises OutputError."""
    write_bytes(path, save(weights))


def _input_with_norm(own_input: Weights, backbone: str) -> Weights:
    """The pixel affine, followed by the weights' own normalization of the input where they have one."""
    affine = pixel_affine(backbone)
    if not own_input:
        return affine
    norm = {name.removeprefix(_INPUT_NORM): value for name, value in own_input.items()}
    scale = norm["gamma"] / np.sqrt(norm["moving_variance"] + EPSILON)
    return {
        "input.depthwise_kernel": (affine["input.depthwise_kernel"] * scale.reshape(1, 1, 3, 1)).astype(np.float32),
        "input.bias": ((affine["input.bias"] - norm["moving_mean"]) * scale + norm["beta"]).astype(np.float32),
    }


def _identity_norm(name: str, channels: int) -> Weights:
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    return {
        f"{name}.gamma": ones,
        f"{name}.beta": zeros,
        f"{name}.moving_mean": zeros,
        f"{name}.moving_variance": ones - np.float32(EPSILON),
    }


def _beyond(name: str, stages: int) -> bool:
    return name.startswith("stage") and int(name[5]) > stages
