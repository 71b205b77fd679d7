from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.convert.writer import FORMATS, check_contract, convert
from edge_tagger.errors import ModelError, OutputError, RunError
from edge_tagger.images import load_resized
from edge_tagger.interpreter import Model, read_contents
from edge_tagger.manifest import is_intact, read_manifest, split_model
from edge_tagger.tagger import Tagger
from edge_tagger.train.keras import tf


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_keeps_the_contract(trained: Any, kind: str) -> None:
    data = trained.models[kind].read_bytes()
    manifest, model = read_manifest(data), Model(data)
    (pixels,), (scores,) = model.inputs, model.outputs
    wanted = "uint8" if kind == "int8" else "float32"
    assert (pixels.dtype, scores.dtype) == (wanted, wanted)
    assert tuple(pixels.shape) == (1, 32, 32, 3) and tuple(scores.shape) == (1, len(manifest.taxonomy))
    if kind == "int8":
        assert (pixels.scale, pixels.zero_point) == (1.0, 0)
        assert (scores.scale, scores.zero_point) == (1 / 256, 0)
    assert is_intact(data, manifest) and manifest.model_crc32 == zlib.crc32(split_model(data)[0])
    assert manifest.provenance["format"] == kind and manifest.provenance["photos"]["train"] == 128


def test_every_operator_of_an_int8_file_is_integer(trained: Any) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(trained.models["int8"]), experimental_preserve_all_tensors=True)
    kinds = {np.dtype(tensor["dtype"]).name for tensor in interpreter.get_tensor_details()}
    assert kinds <= {"int8", "uint8", "int32"}
    assert "CONV_2D" in str(read_contents(trained.models["int8"]))


def test_the_files_score_as_their_saved_models_do(trained: Any) -> None:
    photo = load_resized(next((trained.source.parent / "images").iterdir()), 32)
    for kind, source, tolerance in (("float32", "float", 1e-5), ("float16", "float", 5e-3), ("int8", "qat", 2.1 / 256)):
        serve = tf.saved_model.load(str(trained.run / source)).signatures["serving_default"]
        wanted = serve(image=tf.constant(photo[None], tf.float32))["scores"].numpy()[0]
        with Tagger(trained.models[kind]) as tagger:
            np.testing.assert_allclose(tagger.scores(photo), wanted, atol=tolerance)


def test_the_same_run_gives_the_same_bytes(trained: Any, tmp_path: Path) -> None:
    for path in convert(trained.run, ["float16", "int8"], out=tmp_path):
        assert path.read_bytes() == (trained.run / path.name).read_bytes()


def test_post_training_quantization_works_from_the_representative_photos(trained: Any, tmp_path: Path) -> None:
    (path,) = convert(trained.run, ["int8"], out=tmp_path, quantized="post-training")
    assert Model(path).inputs[0].scale == 1.0
    assert read_manifest(path).provenance["quantized"] == "post-training"


def test_int8_is_the_better_one_of_the_comparison(trained: Any, tmp_path: Path) -> None:
    better = json.loads((trained.run / "comparison.json").read_text())["int8"]
    assert read_manifest(trained.models["int8"]).provenance["quantized"] == better
    shutil.copytree(trained.run, tmp_path / "run")
    other = {"qat": "post-training", "post-training": "qat"}[better]
    (tmp_path / "run/comparison.json").write_text(json.dumps({"int8": other}))
    (path,) = convert(tmp_path / "run", ["int8"], out=tmp_path)
    assert read_manifest(path).provenance["quantized"] == other


def test_a_model_that_breaks_the_contract_is_refused(trained: Any) -> None:
    data = trained.models["int8"].read_bytes()
    manifest = read_manifest(data)
    with pytest.raises(ModelError, match=r"wanted one of \(1, 64, 64, 3\)"):
        check_contract(data, replace(manifest, image_size=64), integer=True)
    with pytest.raises(ModelError, match="is uint8, wanted float32"):
        check_contract(data, manifest, integer=False)


def test_what_is_no_finished_run_is_refused(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        convert(tmp_path, ["int8"])
    shutil.copy(trained.run / "manifest.json", tmp_path)
    with pytest.raises(RunError, match="no finished qat model; finish it with `edge-tagger train --resume`"):
        convert(tmp_path, ["int8"])


def test_a_target_that_cannot_be_written_leaves_nothing(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        convert(trained.run, ["float16"], out=tmp_path / "missing")
    assert not list(tmp_path.iterdir())
