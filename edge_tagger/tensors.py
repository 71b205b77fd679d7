"""Inputs and outputs of a `.tflite`: what is stored in them for pixels and scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.taxonomy import Scores

TYPES = ("uint8", "int8", "float32")
# A quantized input whose real values span less than this cannot mean pixel values 0..255: it is normalised to about
# -1..1, 0..1 or mean/deviation, and its integers, not its real values, are the pixels.
_MIN_PIXEL_SPAN = 128.0
_MOST_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Tensor:
    """An input or output. real = scale * (stored - zero_point); `scale` is None where values are stored as they are."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int

    @classmethod
    def of(cls, detail: dict[str, Any]) -> Tensor:
        """Of what an interpreter says of a tensor. A size that is free stays -1, but a free batch runs as 1, which is
        what a photo needs."""
        shape, signature = list(detail["shape"]), list(detail["shape_signature"])
        if len(signature) != len(shape):
            signature = shape
        return cls(
            name=str(detail["name"]),
            shape=tuple(
                -1 if free == -1 and place else int(size)
                for place, (size, free) in enumerate(zip(shape, signature, strict=True))
            ),
            dtype=np.dtype(detail["dtype"]).name,
            scale=float(detail["quantization"][0]) or None,
            zero_point=int(detail["quantization"][1]),
        )

    @property
    def readable(self) -> bool:
        """Whether pixels or scores can be stored in it."""
        scale = self.scale
        return (
            self.dtype in TYPES
            and (scale is not None or self.dtype != "int8")
            and (scale is None or (math.isfinite(scale) and scale > 0))
        )


@dataclass(frozen=True)
class Normalization:
    """What a float input expects of pixels 0..255: (pixel - mean) / std; one value, or one for each of R, G, B."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) not in (1, 3) or len(self.std) not in (1, 3):
            raise ValueError(
                f"mean {self.mean} and std {self.std} must have one value each, or one for each of R, G, B"
            )
        if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
            raise ValueError(f"mean {self.mean} and std {self.std} must be finite, and std above 0")
        if (255 + max(map(abs, self.mean))) / min(self.std) > _MOST_FLOAT32:
            raise ValueError(f"std {self.std} is so small that pixels become more than a float32 holds")


def pixel_scale_problem(mean: tuple[float, ...], std: tuple[float, ...]) -> str | None:
    """What is wrong with a mean and deviation that are meant for pixels of 0..1, with the right numbers; None where
    they may be for 0..255. No network expects what a deviation below 1 makes of those: values far beyond 255."""
    if max(std) >= 1 or max(map(abs, mean)) > 1:
        return None
    right = [",".join(f"{255 * value:g}" for value in values) for values in (mean, std)]
    return (
        f"mean {_listed(mean)} and std {_listed(std)} are for pixels of 0 to 1, and here they are 0 to 255; give "
        f"--mean {right[0]} --std {right[1]}"
    )


def _listed(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values)


def pixel_codes(tensor: Tensor, normalization: Normalization | None) -> NDArray[Any]:
    """In the input's type, what to store for each pixel value: [256], or [256, 3] where the channels differ."""
    pixels = np.arange(256, dtype=np.float64)
    values = pixels
    if normalization is not None:
        values = np.squeeze((pixels[:, np.newaxis] - normalization.mean) / normalization.std)
    if tensor.dtype == "float32":
        return values.astype(np.float32)
    lowest, highest = (0, 255) if tensor.dtype == "uint8" else (-128, 127)
    if tensor.scale is None or (normalization is None and tensor.scale * 255 < _MIN_PIXEL_SPAN):
        return (pixels + lowest).astype(tensor.dtype)
    codes = np.clip(np.rint(values / tensor.scale) + tensor.zero_point, lowest, highest)
    return np.asarray(codes, dtype=tensor.dtype)


def pixel_writer(tensor: Tensor, codes: NDArray[Any]) -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """A function from uint8 [S, S, 3] to what the input stores for it; where that is the pixels, without a look-up."""
    if np.array_equal(codes, np.arange(256)):
        return (lambda pixels: pixels) if tensor.dtype == "uint8" else (lambda pixels: pixels.astype(tensor.dtype))
    import cv2

    table = np.ascontiguousarray(codes).reshape(1, 256, -1)
    return lambda pixels: np.asarray(
        cv2.LUT(np.ascontiguousarray(pixels), table)
    )  # three times as fast as codes[pixels]


def score_reader(tensor: Tensor) -> Callable[[NDArray[Any]], Scores]:
    """A function from what the output stores, of any shape, to float32 [N]."""
    if tensor.dtype == "float32":
        return lambda stored: stored.reshape(-1)
    table = dequantize(np.arange(256, dtype=np.uint8).view(tensor.dtype), tensor)
    return lambda stored: table[stored.reshape(-1).view(np.uint8)]


def dequantize(stored: NDArray[Any], tensor: Tensor) -> Scores:
    """float32, of stored values of any shape and type."""
    values: Scores = stored.astype(np.float32)
    if tensor.scale is not None and tensor.dtype != "float32":
        values = (values - np.float32(tensor.zero_point)) * np.float32(tensor.scale)
    return values
