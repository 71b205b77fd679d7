"""The importer against timm and torchvision themselves. .ci/reference writes what is read here."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from edge_tagger.train.keras import tf_keras
from edge_tagger.train.resnet import build, set_weights
from edge_tagger.train.weights import read_pretrained


@pytest.fixture
def reference() -> Path:
    folder = os.environ.get("EDGE_TAGGER_REFERENCE")
    if folder is None:
        pytest.skip("needs torch and timm in an environment of their own: run .ci/reference")
    return Path(folder)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "resnet50"])
@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_outputs_are_those_of_the_reference(reference: Path, backbone: str, stages: int) -> None:
    outputs = load_file(reference / backbone / "outputs.safetensors")
    pixels, expected = outputs["pixels"], outputs[f"stages{stages}"]
    model = build(backbone, folded=True, stages=stages, image_size=pixels.shape[1], tags=1)
    weights = read_pretrained(reference / backbone / "weights.safetensors", backbone, stages)
    assert set_weights(model, weights) == ["head.kernel", "head.bias"]
    found = tf_keras.Model(model.input, model.get_layer("features").output)(pixels).numpy()
    difference, largest = np.abs(found - expected).max(), np.abs(expected).max()
    print(f"\n{backbone}, {stages} stages: largest difference {difference:.1e} of outputs up to {largest:.2f}")
    assert difference < 1e-5 * largest
