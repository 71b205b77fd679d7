from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_tagger.errors import RunError
from edge_tagger.train.resnet import Weights, build, fold, get_weights
from edge_tagger.train.torch_names import torch_name
from edge_tagger.train.weights import pixel_affine, read_pretrained, save_weights


def as_torch(weights: Weights) -> Weights:
    """Ours as torchvision would have saved them, with what an import leaves out."""
    arrays = {
        torch_name(name): np.ascontiguousarray(value.transpose(3, 2, 0, 1)) if value.ndim == 4 else value
        for name, value in weights.items()
        if not name.startswith(("head.", "input."))
    }
    left_out = {"bn1.num_batches_tracked": np.zeros(1, np.int64), "fc.weight": np.zeros((1000, 2048), np.float32)}
    return {**arrays, **left_out}


@pytest.fixture(scope="module")
def two_stages() -> Weights:
    """Of a normalized resnet50."""
    rng = np.random.default_rng(0)
    model = build("resnet50", folded=False, stages=2, image_size=32, tags=2)
    return {name: rng.uniform(0.5, 1.5, value.shape).astype(np.float32) for name, value in get_weights(model).items()}


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        ("stem.conv.kernel", "conv1.weight"),
        ("stem.norm.moving_mean", "bn1.running_mean"),
        ("stage1.block1.conv1.kernel", "layer1.0.conv1.weight"),
        ("stage4.block3.norm2.moving_variance", "layer4.2.bn2.running_var"),
        ("stage2.block1.shortcut.kernel", "layer2.0.downsample.0.weight"),
        ("stage2.block1.shortcut_norm.beta", "layer2.0.downsample.1.bias"),
    ],
)
def test_names_of_torchvision(own: str, theirs: str) -> None:
    assert torch_name(own) == theirs


def test_a_torchvision_file_is_read_by_its_own_names(two_stages: Weights, tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", as_torch(two_stages))
    read = read_pretrained(tmp_path / "w.safetensors", "resnet50", 1)
    first = {n: v for n, v in two_stages.items() if not n.startswith(("stage2", "head", "input"))}
    expected = fold(first, "resnet50") | pixel_affine("resnet50")
    assert read.keys() == expected.keys()
    for name, value in read.items():
        np.testing.assert_allclose(value, expected[name], err_msg=name)


def test_differences_are_told_in_the_names_of_the_file(two_stages: Weights, tmp_path: Path) -> None:
    arrays = as_torch(two_stages)
    del arrays["layer1.0.bn1.running_var"]
    arrays["layer1.0.se.fc1.weight"] = np.zeros((16, 256, 1, 1), np.float32)
    arrays["conv1.weight"] = np.zeros((64, 3, 3, 3), np.float32)
    save_weights(tmp_path / "w.safetensors", arrays)
    with pytest.raises(RunError) as caught:
        read_pretrained(tmp_path / "w.safetensors", "resnet50", 2)
    assert "1 not in the file: layer1.0.bn1.running_var (64,); " in str(caught.value)
    assert "1 only in the file: layer1.0.se.fc1.weight (16, 256, 1, 1); " in str(caught.value)
    assert "of another shape: conv1.weight (file (64, 3, 3, 3), model (64, 3, 7, 7)); " in str(caught.value)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50v2"])
def test_a_torchvision_file_of_another_backbone_is_refused(two_stages: Weights, tmp_path: Path, backbone: str) -> None:
    save_weights(tmp_path / "w.safetensors", as_torch(two_stages))
    with pytest.raises(RunError, match=r"does not fit the model: .*\d+ only in the file: .* and \d+ more"):
        read_pretrained(tmp_path / "w.safetensors", backbone, 2)
