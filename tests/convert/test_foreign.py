"""Models that edge-tagger did not train: Keras 3, Keras 2, SavedModels, and what is no classifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
from click.testing import CliRunner

from edge_tagger.cli import main
from edge_tagger.convert.foreign import Normalization, open_model
from edge_tagger.convert.representative import read_representative
from edge_tagger.convert.writer import make
from edge_tagger.errors import ManifestError, ModelError
from edge_tagger.interpreter import Model
from edge_tagger.manifest import read_manifest
from edge_tagger.train.keras import tf

LABELS = ("coat", "t-shirt/top", "shoe")


def classifier(library: Any, *, size: int | None = 32, outputs: int = 3, activation: str = "softmax") -> Any:
    library.utils.set_random_seed(0)
    image = library.Input((size, size, 3))
    x = library.layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    x = library.layers.GlobalAveragePooling2D()(x)
    return library.Model(image, library.layers.Dense(outputs, activation=activation)(x))


@pytest.fixture()
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("\n".join(LABELS) + "\n")
    return tmp_path / "labels.txt"


@pytest.mark.parametrize(
    ("library", "name"), [(keras, "m.keras"), (keras, "m.h5"), (tf_keras, "m.h5"), (keras, "saved")]
)
def test_a_model_of_any_kind_becomes_a_file_with_its_normalization_inside(
    tmp_path: Path, labels: Path, library: Any, name: str, trained: Any
) -> None:
    model, path = classifier(library), tmp_path / name
    model.export(str(path)) if name == "saved" else model.save(path)
    photo = np.load(trained.run / "representative.npy")[1]
    mean, std = (120.0, 110.0, 100.0), (60.0, 55.0, 50.0)
    wanted = model((photo[None].astype(np.float32) - mean) / std).numpy()[0]
    with open_model(path, labels=labels, normalization=Normalization(mean, std)) as source:
        data, manifest = make(source, "float32")
    np.testing.assert_allclose(Model(data).scores(photo), wanted, atol=1e-5)
    assert [tag.name for tag in read_manifest(data).taxonomy.tags] == list(LABELS)
    assert manifest.name == path.stem and manifest.image_size == 32


def test_the_command_calibrates_verifies_and_names_the_files(tmp_path: Path, labels: Path, trained: Any) -> None:
    classifier(keras, size=None).save(tmp_path / "mine.keras")
    arguments = ["convert", tmp_path / "mine.keras", "--int8", "--dynamic", "--labels", labels, "--image-size", 32]
    arguments += [
        "--mean",
        "127.5",
        "--std",
        "127.5",
        "--representative",
        trained.source,
        "--max-drop",
        100,
        "--layers",
    ]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    assert "the source model's own answers" in result.stdout and "int8: where the error enters" in result.stdout
    assert Model(tmp_path / "mine-int8.tflite").inputs[0].scale == 1.0
    assert read_manifest(tmp_path / "mine-int8.tflite").provenance["representative"]["origin"] == "products.csv"
    assert (tmp_path / "mine-dynamic.tflite").exists()


def test_int8_without_photos_is_refused(tmp_path: Path, labels: Path) -> None:
    classifier(keras).save(tmp_path / "m.keras")
    with open_model(tmp_path / "m.keras", labels=labels) as source, pytest.raises(ModelError, match=r"needs photos"):
        make(source, "int8")


def test_a_recurrent_model_is_not_calibrated_for_tensorflow_would_crash(
    tmp_path: Path, labels: Path, trained: Any
) -> None:
    from dataclasses import replace

    image = keras.Input((32, 32, 3))
    x = keras.layers.LSTM(4)(keras.layers.Reshape((32, 96))(image))
    keras.Model(image, keras.layers.Dense(3, activation="softmax")(x)).save(tmp_path / "rnn.keras")
    with open_model(tmp_path / "rnn.keras", labels=labels) as source:
        assert source.recurrent
        photos = read_representative(trained.source, 32)
        with pytest.raises(ModelError, match=r"has loops \(an RNN\)"):
            make(replace(source, representative=photos), "int8")
        assert Model(make(source, "float32")[0]).num_scores == 3


def test_a_manifest_must_be_of_this_model(tmp_path: Path, data: Path) -> None:
    classifier(keras).save(tmp_path / "m.keras")
    with (
        pytest.raises(ManifestError, match="they must be the same"),
        open_model(tmp_path / "m.keras", manifest=data / "tiny-manifest.json"),
    ):
        pass
    (tmp_path / "broken.json").write_text(json.dumps({"format": 1}))
    with (
        pytest.raises(ManifestError, match=r"cannot read the manifest|has no"),
        open_model(tmp_path / "m.keras", manifest=tmp_path / "broken.json"),
    ):
        pass


def two_inputs() -> Any:
    first, second = keras.Input((32, 32, 3)), keras.Input((32, 32, 3))
    return keras.Model([first, second], keras.layers.Flatten()(first + second))


def many_photos_at_once() -> Any:
    image = keras.Input(batch_shape=(4, 32, 32, 3))
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (two_inputs, "has 2 inputs and 1 outputs; a classifier has one"),
        (many_photos_at_once, r"takes \[4, 32, 32, 3\]; .* of a batch of 1 or any"),
        (lambda: classifier(keras, size=None), "any size; say which with --image-size"),
        (lambda: classifier(keras, outputs=2), "has 3 labels and .* gives 2 scores"),
    ],
)
def test_what_is_no_such_classifier_is_refused(tmp_path: Path, labels: Path, model: Any, message: str) -> None:
    model().save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match=message), open_model(tmp_path / "m.keras", labels=labels):
        pass


def test_what_is_no_model_is_refused(tmp_path: Path, labels: Path) -> None:
    (tmp_path / "m.keras").write_bytes(b"no model")
    (tmp_path / "empty").mkdir()
    for path, message in ((tmp_path / "m.keras", "cannot be loaded"), (tmp_path / "empty", "is no run")):
        with pytest.raises(ModelError, match=message), open_model(path, labels=labels):
            pass
    with pytest.raises(ModelError, match="add --labels"):
        classifier(keras).save(tmp_path / "m.keras")
        with open_model(tmp_path / "m.keras"):
            pass
    with pytest.raises(ModelError, match=r"127\.5, not 0\.5"):
        Normalization((0.0, 0.0), (1.0,))
    with pytest.raises(ModelError):
        Normalization((float("nan"),), (1.0,))
    with pytest.raises(ModelError, match="does not exist"), open_model(tmp_path / "none.keras", labels=labels):
        pass


class OddSignature(tf.Module):  # type: ignore[misc]
    @tf.function(input_signature=[tf.TensorSpec([1, 32, 32, 3], tf.uint8)])  # type: ignore[misc]
    def takes_bytes(self, image: Any) -> Any:
        return tf.reduce_mean(tf.cast(image, tf.float32), axis=[1, 2])

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])  # type: ignore[misc]
    def takes_anything(self, image: Any) -> Any:
        return image


def test_signatures_that_take_something_else_are_refused(tmp_path: Path, labels: Path) -> None:
    odd = OddSignature()
    for name, message in (("takes_bytes", "takes uint8"), ("takes_anything", "takes float32 <unknown>")):
        tf.saved_model.save(odd, str(tmp_path / name), signatures=getattr(odd, name))
        with pytest.raises(ModelError, match=message), open_model(tmp_path / name, labels=labels):
            pass
    tf.saved_model.save(odd, str(tmp_path / "none"))
    with (
        pytest.raises(ModelError, match=r"has no signature serving_default \(it has: none\)"),
        open_model(tmp_path / "none", labels=labels),
    ):
        pass


def test_damaged_weights_are_told_as_the_sources(tmp_path: Path, labels: Path, trained: Any) -> None:
    from dataclasses import replace

    from edge_tagger.convert.verify import read_reference

    model = classifier(keras)
    model.layers[-1].set_weights([weights * np.nan for weights in model.layers[-1].get_weights()])
    model.save(tmp_path / "m.keras")
    with (
        open_model(tmp_path / "m.keras", labels=labels) as source,
        pytest.raises(ModelError, match=r"m.keras gives scores that are not finite"),
    ):
        read_reference(replace(source, representative=read_representative(trained.source, 32)))


def test_operators_that_tensorflow_lite_lacks_are_named(tmp_path: Path, labels: Path) -> None:
    class Odd(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3])])  # type: ignore[misc]
        def call(self, image: Any) -> Any:
            share = tf.clip_by_value(image / 255, 0.1, 0.9)
            return tf.reduce_mean(tf.math.betainc(share, share, share), axis=[1, 2])

    odd = Odd()
    tf.saved_model.save(odd, str(tmp_path / "odd"), signatures=odd.call)
    with (
        open_model(tmp_path / "odd", labels=labels) as source,
        pytest.raises(ModelError, match=r"operators: .*Betainc"),
    ):
        make(source, "float32")


def test_scores_outside_0_to_1_are_refused(tmp_path: Path, labels: Path, trained: Any) -> None:
    from dataclasses import replace

    from edge_tagger.convert.verify import read_reference

    model = classifier(keras, activation="linear")
    model.layers[-1].set_weights([model.layers[-1].get_weights()[0] * 100, np.array([5.0, -5.0, 0.0])])
    model.save(tmp_path / "m.keras")
    photos = read_representative(trained.source, 32)
    with (
        open_model(tmp_path / "m.keras", labels=labels) as source,
        pytest.raises(ModelError, match="end the model in a sigmoid or softmax"),
    ):
        read_reference(replace(source, representative=photos))
