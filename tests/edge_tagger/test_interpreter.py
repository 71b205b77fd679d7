from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.cli import main
from edge_tagger.errors import ModelError
from edge_tagger.images import load_resized
from edge_tagger.interpreter import Model, read_contents, runtime_name
from edge_tagger.labels_file import embedded_labels
from edge_tagger.tagger import Tagger
from edge_tagger.tensors import Normalization, Tensor, pixel_scale_problem

RED = np.full((8, 8, 3), (255, 0, 0), np.uint8)
RED_SCORES = [0.0, 0.0, 0.0, 0.98, 1.0, 0.02, 0.05, 0.05]


@pytest.mark.parametrize("name", ["tiny-uint8", "tiny-float32", "bare-int8"])
def test_scores_of_every_input_type(name: str, data: Path) -> None:
    model = Model(data / f"{name}.tflite", threads=1)
    scores = model.scores(RED)
    assert scores.dtype == np.float32 and scores.shape == (8,) == (model.num_scores,)
    np.testing.assert_allclose(scores, RED_SCORES, atol=0.02)
    np.testing.assert_array_equal(Model((data / f"{name}.tflite").read_bytes()).scores(RED), scores)


def test_tensors_are_described(data: Path) -> None:
    model = Model(data / "tiny-uint8.tflite")
    assert model.input_size == 8
    assert model.inputs == (Tensor("serving_default_image:0", (1, 8, 8, 3), "uint8", 1.0, 0),)
    assert model.outputs == (Tensor("PartitionedCall:0", (1, 8), "uint8", 1 / 256, 0),)
    assert model.runtime == runtime_name()
    assert Model(data / "tiny-float32.tflite").inputs[0].scale is None


def test_contents(data: Path) -> None:
    contents = read_contents(data / "tiny-uint8.tflite")
    assert contents.operators == (("QUANTIZE", 2), ("FULLY_CONNECTED", 1), ("LOGISTIC", 1), ("MEAN", 1))
    assert contents.tensors_per_channel + contents.tensors_per_tensor > 0
    assert read_contents(data / "tiny-float32.tflite").tensors_per_tensor == 0
    assert len(read_contents(data / "two-inputs.tflite").inputs) == 2


def test_normalization_of_the_metadata_is_done(data: Path) -> None:
    """The file normalizes each channel in another way; its network is that of tiny-float32 without the sigmoid."""
    model = Model(data / "logits-float32.tflite", threads=1)
    assert model.normalization is not None and model.normalization.mean == pytest.approx((123.675, 116.28, 103.53))
    assert model.codes.shape == (256, 3) and model.activation == "none"
    photo = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    expected = Model(data / "tiny-float32.tflite", threads=1).scores(photo)
    np.testing.assert_allclose(1 / (1 + np.exp(-model.scores(photo))), expected, atol=1e-5)
    np.testing.assert_array_equal(model.stored(photo[:, ::-1]), model.stored(photo)[:, ::-1])


def test_normalization_can_be_given(data: Path) -> None:
    photo = np.random.default_rng(2).integers(0, 256, (8, 8, 3), np.uint8)
    given = Model(data / "tiny-float32.tflite", threads=1, normalization=Normalization((10.0,), (2.0,)))
    np.testing.assert_allclose(given.stored(photo), (photo.astype(np.float32) - 10) / 2)
    assert not np.array_equal(given.scores(photo), Model(data / "tiny-float32.tflite", threads=1).scores(photo))
    # -1..1, as the input of this file is quantized: the integers that stand for the pixels without it, but for rounding
    int8 = Model(data / "bare-int8.tflite", threads=1, normalization=Normalization((127.5,), (127.5,)))
    np.testing.assert_allclose(int8.codes, Model(data / "bare-int8.tflite", threads=1).codes, atol=1)


@pytest.mark.parametrize(
    "values",
    [((1.0, 2.0), (1.0,)), ((0.0,), (0.0,)), ((float("nan"),), (1.0,)), ((), (1.0,)), ((0.0,), (1e-40,))],
)
def test_normalization_checks_itself(values: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match=r"mean|std"):
        Normalization(*values)


def test_several_outputs_are_one_after_the_other(data: Path) -> None:
    model = Model(data / "two-heads-uint8.tflite", threads=1)
    light, channels = model.heads
    assert (light.activation, channels.activation, model.activation) == ("sigmoid", "softmax", "unknown")
    scores = model.scores(RED)
    assert scores.shape == (5,) == (model.num_scores,) and [t.shape for t in model.outputs] == [(1, 2), (1, 3)]
    np.testing.assert_allclose(scores[light.scores], [0.05, 0.05], atol=0.02)
    np.testing.assert_allclose(scores[channels.scores], [1, 0, 0], atol=0.01)


@pytest.mark.parametrize("name", ["tiny-uint8", "tiny-float32", "bare-int8"])
def test_what_made_the_scores(name: str, data: Path) -> None:
    model = Model(data / f"{name}.tflite")
    assert model.activation == "sigmoid" and [head.scores for head in model.heads] == [slice(0, 8)]


def test_scores_are_dequantized_to_the_bit(data: Path) -> None:
    model = Model(data / "bare-int8.tflite", threads=1)
    (output,) = model.outputs
    steps = model.scores(RED) / np.float32(output.scale) + output.zero_point
    np.testing.assert_array_equal(steps, np.rint(steps))


def test_threads_share_a_model(data: Path) -> None:
    model = Model(data / "tiny-float32.tflite", threads=1)
    photos = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), np.uint8)
    alone = [model.scores(photo) for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(model.scores, photos)), alone)


@pytest.mark.parametrize("pixels", [RED[:4], RED.astype(np.float32), RED[None]])
def test_pixels_are_never_cast(pixels: np.ndarray, data: Path) -> None:
    with pytest.raises(ModelError, match=r"takes uint8 \[8, 8, 3\]"):
        Model(data / "tiny-uint8.tflite").scores(pixels)


def test_what_is_no_classifier_is_told_the_rule(data: Path) -> None:
    with pytest.raises(ModelError, match=r"2 inputs and 1 outputs; a classifier has one input"):
        Model(data / "two-inputs.tflite")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_cut_model_is_refused(part: float, data: Path, tmp_path: Path) -> None:
    whole = (data / "bare-int8.tflite").read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ModelError, match="cut"):
        Model(path)
    with pytest.raises(ModelError, match="cut"):
        read_contents(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.tflite"
    path.write_text("no model at all")
    with pytest.raises(ModelError, match="TFL3"):
        Model(path)
    with pytest.raises(ModelError, match="cannot read"):
        Model(tmp_path / "none.tflite")


def test_threads_must_be_positive(data: Path) -> None:
    with pytest.raises(ValueError, match="threads"):
        Model(data / "tiny-uint8.tflite", threads=0)


def test_a_flipped_model_runs_or_is_refused(data: Path) -> None:
    whole = (data / "bare-int8.tflite").read_bytes()
    for place in range(0, len(whole), 7):
        flipped = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        with suppress(ModelError):
            model = Model(flipped, threads=1)
            assert model.activation in ("sigmoid", "softmax", "none", "unknown")
            assert np.isfinite(model.scores(np.zeros((model.input_size, model.input_size, 3), np.uint8))).all()


def test_bytes_can_have_a_name(data: Path) -> None:
    assert Model((data / "tiny-uint8.tflite").read_bytes(), name="m.tflite").name == "m.tflite"
    with pytest.raises(ModelError, match=r"^m\.tflite cannot be loaded"):
        Model(b"\0\0\0\0TFL3 and nothing", name="m.tflite")


@pytest.mark.shared
def test_third_party_models_see_the_cat(shared: Path) -> None:
    models = shared / "models" / "third_party"
    model = Model(models / "mobilenet_v1_0.25_128_uint8.tflite", threads=1)
    labels = (models / "imagenet_labels.txt").read_text().splitlines()
    scores = model.scores(load_resized(models / "cat_720p.jpg", model.input_size))
    assert len(labels) == model.num_scores == 1001
    assert "cat" in labels[int(scores.argmax())] and model.activation == "softmax"
    assert embedded_labels(model.data, 1001) == tuple(labels)
    found = []
    for name in ("mlperf_tiny_resnet8_cifar10_int8", "mlperf_tiny_resnet8_cifar10_float"):
        tiny = Model(models / f"{name}.tflite", threads=1)
        assert tiny.inputs[0].shape == (1, 32, 32, 3)  # whose batch is free in the file
        assert tiny.activation == "softmax"
        found.append(tiny.scores(load_resized(models / "cat_720p.jpg", 32)))
        assert abs(float(found[-1].sum()) - 1) < 0.05
    np.testing.assert_allclose(found[0], found[1], atol=0.1)
    assert found[0].argmax() == found[1].argmax()
    assert read_contents(models / "mlperf_tiny_resnet8_cifar10_int8.tflite").tensors_per_channel > 0


@pytest.mark.parametrize(
    ("mean", "std", "right"),
    [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "--mean 123.675,116.28,103.53 --std 58.395,57.12,57.375"),
        ((0.5,), (0.5,), "--mean 127.5 --std 127.5"),
        ((0.0,), (0.5,), "--mean 0 --std 127.5"),
    ],
)
def test_numbers_for_pixels_of_0_to_1_are_refused(
    data: Path, mean: tuple[float, ...], std: tuple[float, ...], right: str
) -> None:
    with pytest.raises(ValueError, match=right):
        Model(data / "tiny-float32.tflite", normalization=Normalization(mean, std))
    for command in (["tag", "a.png"], ["explain", "a.png", "--out", "b.png"], ["convert", "m.keras", "--float32"]):
        numbers = [f"--{name}={','.join(map(str, values))}" for name, values in (("mean", mean), ("std", std))]
        done = CliRunner().invoke(main, [*command, *numbers])
        assert done.exit_code == 2 and right in done.stderr, done.output


def test_usual_numbers_are_taken() -> None:
    for mean, std in (((0.0,), (1.0,)), ((127.5,), (127.5,)), ((0.0,), (255.0,)), ((103.9, 116.8, 123.7), (1.0,))):
        assert pixel_scale_problem(mean, std) is None


def test_what_a_float_model_of_others_gets_is_said_once(tmp_path: Path) -> None:
    seeds = Path(__file__).resolve().parents[1] / "fuzz" / "seeds"
    assert not Model(seeds / "graph-loop.tflite").assumes_pixels  # it scales its photo itself
    bare = seeds / "conv-float32.tflite"
    assert Model(bare).assumes_pixels and not Model(bare, normalization=Normalization((0.0,), (255.0,))).assumes_pixels
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\nc\nd\ne\n")
    with pytest.warns(UserWarning, match="--mean 127.5 --std 127.5 for -1..1") as told:
        tagger = Tagger(bare, labels=labels)
        tagger.tag(np.zeros((12, 12, 3), np.uint8))
    assert len(told) == 1
