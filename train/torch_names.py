"""The names and layouts that torchvision and timm give the weights of a ResNet, for ours.

`layer1.0.conv1.weight` [O, I, H, W] is our `stage1.block1.conv1.kernel` [H, W, I, O]; `downsample` is our shortcut.
https://github.com/pytorch/vision/blob/main/torchvision/models/resnet.py,
https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/resnet.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.differences import check_names
from edge_tagger.train.resnet import Weights

_VARIABLES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_STEM = {"conv": "conv1", "norm": "bn1"}
_SHORTCUT = {"shortcut": "downsample.0", "shortcut_norm": "downsample.1"}
_BLOCK = re.compile(r"stage(\d)\.block(\d+)")


def are_torch_names(names: Iterable[str]) -> bool:
    """Whether a file's names are those of torchvision's or timm's ResNets."""
    return any(re.match(r"layer1\.0\.conv1\.", name) for name in names)


def from_torch(
    arrays: Mapping[str, NDArray[np.float32]], expected: Mapping[str, tuple[int, ...]], *, stages: int, source: str
) -> Weights:
    """The weights `expected` (name -> shape, the normalized form) from `arrays` in the names of torch.

    The classifier and later stages are left out. Raises RunError, in the file's own names and
    shapes, where anything else differs.
    """
    kept = {name: value for name, value in arrays.items() if not _left_out(name, stages)}
    check_names(kept, {torch_name(name): _torch_shape(shape) for name, shape in expected.items()}, source)
    return {name: _own_layout(kept[torch_name(name)]) for name in expected}


def torch_name(name: str) -> str:
    """`stage2.block1.shortcut_norm.gamma` -> `layer2.0.downsample.1.weight`."""
    owner, layer, variable = name.rsplit(".", 2)
    if owner == "stem":
        return f"{_STEM[layer]}.{_VARIABLES[variable]}"
    stage, block = map(int, _BLOCK.fullmatch(owner).groups())  # type: ignore[union-attr]
    layer = _SHORTCUT.get(layer, layer.replace("norm", "bn"))
    return f"layer{stage}.{block - 1}.{layer}.{_VARIABLES[variable]}"


def _left_out(name: str, stages: int) -> bool:
    later = re.match(r"layer(\d)\.", name)
    return name.startswith("fc.") or (later is not None and int(later[1]) > stages)


def _torch_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) != 4:
        return shape
    height, width, inputs, outputs = shape
    return outputs, inputs, height, width


def _own_layout(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array.transpose(2, 3, 1, 0)) if array.ndim == 4 else array
