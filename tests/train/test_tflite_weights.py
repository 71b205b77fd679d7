from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.convert.metadata import with_metadata
from edge_tagger.errors import ManifestError, ModelError, RunError
from edge_tagger.interpreter import Model
from edge_tagger.manifest import Manifest
from edge_tagger.taxonomy import Facet, Tag, Taxonomy
from edge_tagger.train.deploy import deployed, parts_of
from edge_tagger.train.keras import tf_keras
from edge_tagger.train.resnet import build, get_weights, set_weights
from edge_tagger.train.weights import read_pretrained

ToTflite = Callable[[Any, str], bytes]
SIZE = 32
TAGS = ("colour/Red", "colour/Green", "colour/Blue")


def random_model(backbone: str, stages: int, **pooling: Any) -> Any:
    """Folded, with weights of which no two layers share any, and with activations of about 1."""
    rng = np.random.default_rng(0)
    model = build(backbone, folded=True, stages=stages, image_size=SIZE, tags=len(TAGS), **pooling)
    weights = {}
    for name, value in get_weights(model).items():
        around = 1.0 if name.endswith("depthwise_kernel") else 0.0
        spread = 0.1 if value.ndim == 1 or around else (2 / np.prod(value.shape[:-1])) ** 0.5
        weights[name] = rng.normal(around, spread, value.shape).astype(np.float32)
    weights["input.depthwise_kernel"] /= 128
    set_weights(model, weights)
    return model


def photos(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)


@pytest.mark.parametrize(("backbone", "stages"), [("resnet10", 4), ("resnet18", 2), ("resnet50", 1), ("resnet50v2", 1)])
def test_a_float16_model_gives_its_weights_back(
    backbone: str, stages: int, to_tflite: ToTflite, tmp_path: Path
) -> None:
    model = random_model(backbone, stages)
    (tmp_path / "m.tflite").write_bytes(to_tflite(model, "float16"))
    original, read = get_weights(model), read_pretrained(tmp_path / "m.tflite", backbone, stages)
    assert read.keys() == original.keys() - {"head.kernel", "head.bias"}
    for name, value in read.items():
        np.testing.assert_allclose(value, original[name], rtol=1e-3, atol=1e-6, err_msg=name)
    again = build(backbone, folded=True, stages=stages, image_size=SIZE, tags=len(TAGS))
    set_weights(again, {**original, **read})
    scores = again(photos(1).astype(np.float32))[0]
    np.testing.assert_allclose(scores, Model(tmp_path / "m.tflite").scores(photos(1)[0]), atol=1e-3)
    np.testing.assert_allclose(scores, model(photos(1).astype(np.float32))[0], atol=0.01)
    assert np.ptp(scores) > 0.02


@pytest.mark.parametrize(("kind", "histogram"), [("float16", 0), ("float32", 8)])  # bins of noise feel float16's steps
def test_what_the_head_sees_is_read_from_a_file_that_says_so(
    to_tflite: ToTflite, tmp_path: Path, kind: str, histogram: int
) -> None:
    options: dict[str, Any] = {"taps": (1,), "pool": "mean+max", "palette": 8, "histogram": histogram, "hidden": 6}
    model = random_model("resnet10", 2, **options)
    pooled = tf_keras.Model(model.input, model.get_layer("features").output)(photos(16).astype(np.float32)).numpy()
    shipped = build("resnet10", folded=True, stages=2, image_size=SIZE, tags=len(TAGS), deployed=True, **options)
    set_weights(shipped, deployed(get_weights(model), parts_of(model), pooled))
    taxonomy = Taxonomy((Facet("colour", ("colour",)),), tuple(Tag.from_id(tag) for tag in TAGS))
    manifest = Manifest("m", SIZE, taxonomy, (0.5,) * 3, provenance={"model": {**options, "taps": [1]}})
    (tmp_path / "m.tflite").write_bytes(with_metadata(to_tflite(shipped, kind), manifest))

    read = read_pretrained(tmp_path / "m.tflite", "resnet10", 2, tags=TAGS)
    assert read.keys() == get_weights(model).keys()
    before = model(photos(4).astype(np.float32)).numpy()
    set_weights(model, read)
    np.testing.assert_allclose(model(photos(4).astype(np.float32)).numpy(), before, atol=5e-3)


def test_layers_that_share_their_values_are_told_apart(to_tflite: ToTflite, tmp_path: Path) -> None:
    """The converter stores equal constants once: all norms of a fresh model, and all its biases."""
    model = build("resnet50v2", folded=True, stages=1, image_size=SIZE, tags=2)
    (tmp_path / "m.tflite").write_bytes(to_tflite(model, "float32"))
    original, read = get_weights(model), read_pretrained(tmp_path / "m.tflite", "resnet50v2", 1)
    assert len(read) == len(original) - 2
    for name, value in read.items():
        np.testing.assert_array_equal(value, original[name], err_msg=name)


@pytest.fixture(scope="module")
def described(to_tflite: ToTflite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .tflite of TAGS with its manifest, two stages of resnet50v2."""
    taxonomy = Taxonomy((Facet("colour", ("colour",)),), tuple(Tag.from_id(tag) for tag in TAGS))
    manifest = Manifest(name="m", image_size=SIZE, taxonomy=taxonomy, thresholds=(0.5,) * len(TAGS))
    path = tmp_path_factory.mktemp("described") / "described.tflite"
    path.write_bytes(with_metadata(to_tflite(random_model("resnet50v2", 2), "float16"), manifest))
    return path


def test_fewer_stages_and_the_head_for_the_same_tags(described: Path) -> None:
    original = get_weights(random_model("resnet50v2", 2))
    read = read_pretrained(described, "resnet50v2", 1, tags=("colour/Blue", "colour/Red"))
    assert not [name for name in read if name.startswith("stage2")]
    np.testing.assert_array_equal(read["final_norm.depthwise_kernel"], np.ones((1, 1, 256, 1)))
    np.testing.assert_allclose(read["head.kernel"], original["head.kernel"][:, [2, 0]], atol=1e-3)
    np.testing.assert_allclose(read["head.bias"], original["head.bias"][[2, 0]], atol=1e-3)
    with pytest.raises(RunError, match=r"does not know 1 of 2 tags, such as 'colour/Pink'"):
        read_pretrained(described, "resnet50v2", 2, tags=("colour/Red", "colour/Pink"))


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_a_model_of_another_architecture_is_refused_with_each_difference(described: Path, backbone: str) -> None:
    with pytest.raises(
        RunError, match=rf"{described} does not fit the model: .* only in the file: .* of another shape"
    ):
        read_pretrained(described, backbone, 2)


def test_a_file_of_something_else_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"1 only in the file: input\.kernel \(3, 8\)"):
        read_pretrained(data / "tiny-float32.tflite", "resnet10", 4)
    (tmp_path / "broken.tflite").write_bytes(b"no")
    with pytest.raises(ModelError, match=r"is not a \.tflite file"):
        read_pretrained(tmp_path / "broken.tflite", "resnet10", 4)


def test_a_head_needs_a_file_that_knows_its_tags(to_tflite: ToTflite, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(to_tflite(random_model("resnet10", 1), "float16"))
    with pytest.raises(ManifestError):
        read_pretrained(tmp_path / "m.tflite", "resnet10", 1, tags=TAGS)
    with pytest.raises(RunError, match="does not say which tags its head is for"):
        read_pretrained(tmp_path / "m.safetensors", "resnet10", 1, tags=TAGS)


def test_a_trained_model_starts_another_training(trained: Any) -> None:
    weights = read_pretrained(trained.models["float16"], "resnet10", 2)
    model = build("resnet10", folded=True, stages=2, image_size=SIZE, tags=2)
    assert set_weights(model, weights) == ["head.kernel", "head.bias"]
    with pytest.raises(RunError, match=r"has an operator QUANTIZE, .* give the float16 or float32 file"):
        read_pretrained(trained.models["int8"], "resnet10", 2)
