from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.archive import split_model
from edge_tagger.convert.contract import check_contract
from edge_tagger.convert.formats import FORMATS, file_name, io_of
from edge_tagger.convert.layers import describe_layers, layer_noise
from edge_tagger.convert.sources import read_run
from edge_tagger.convert.verify import read_reference, verify
from edge_tagger.convert.writer import convert, make
from edge_tagger.errors import ModelError, OutputError, RunError, VerificationError
from edge_tagger.images import load_resized
from edge_tagger.interpreter import Model, read_contents
from edge_tagger.manifest import is_intact, read_manifest
from edge_tagger.tagger import Tagger
from edge_tagger.train.keras import tf


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_keeps_the_contract(trained: Any, kind: str) -> None:
    data = trained.models[kind].read_bytes()
    manifest, model = read_manifest(data), Model(data)
    (pixels,), (scores,) = model.inputs, model.outputs
    wanted = FORMATS[kind].io[0]
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
    for made in convert(read_run(trained.run), ["float16", "int8"], out=tmp_path, max_drop=100):
        assert made.path.read_bytes() == (trained.run / made.path.name).read_bytes()


def test_post_training_quantization_works_from_the_representative_photos(trained: Any) -> None:
    data, manifest = make(read_run(trained.run), "int8", quantized="post-training")
    assert Model(data).inputs[0].scale == 1.0
    provenance = read_manifest(data).provenance
    assert provenance == manifest.provenance and provenance["quantized"] == "post-training"
    assert provenance["representative"]["photos"] == len(set(provenance["representative"]["sha256"])) == 32


def test_int8_is_the_better_one_of_the_comparison(trained: Any, tmp_path: Path) -> None:
    better = json.loads((trained.run / "comparison.json").read_text())["int8"]
    assert read_manifest(trained.models["int8"]).provenance["quantized"] == better
    shutil.copytree(trained.run, tmp_path / "run")
    other = {"qat": "post-training", "post-training": "qat"}[better]
    (tmp_path / "run/comparison.json").write_text(json.dumps({"int8": other}))
    assert read_manifest(make(read_run(tmp_path / "run"), "int8")[0]).provenance["quantized"] == other


def test_a_model_that_breaks_the_contract_is_refused(trained: Any) -> None:
    data = trained.models["int8"].read_bytes()
    manifest = read_manifest(data)
    with pytest.raises(ModelError, match=r"wanted one of \(1, 64, 64, 3\)"):
        check_contract(data, replace(manifest, image_size=64), kind="int8", io="uint8")
    with pytest.raises(ModelError, match="is uint8, wanted float32"):
        check_contract(data, manifest, kind="int8", io="float32")
    with pytest.raises(ModelError, match=r"operators are not integer: .*CONV_2D \("):
        check_contract(trained.models["float32"].read_bytes(), manifest, kind="int8", io="float32")


def test_int8_with_float_input_and_output_is_integer_between_them(trained: Any, tmp_path: Path) -> None:
    (made,) = convert(read_run(trained.run), ["int8"], out=tmp_path, io="float32", max_drop=100)
    assert made.path.name == "tiny-tagger-int8-float32-io.tflite"
    model, plain = Model(made.path), Model(trained.models["int8"])
    photo = np.load(trained.run / "representative.npy")[3]
    np.testing.assert_allclose(model.scores(photo), plain.scores(photo), atol=1e-6)


def test_a_type_that_a_format_cannot_have_is_refused() -> None:
    with pytest.raises(ModelError, match=r"a int16x8 file cannot have uint8 .* it can have float32"):
        io_of("int16x8", "uint8")
    assert file_name("x", "int16x8", io_of("int16x8", None)) == "x-int16x8.tflite"


def test_each_file_says_what_it_was_found_to_be_worth(trained: Any) -> None:
    for kind in FORMATS:
        found = read_manifest(trained.models[kind]).provenance["verified"]
        assert found["labelled"] and found["photos"] == 32 + 16
        assert set(found["agreement"]) == {"category", "colour", "details"}
    exact = read_manifest(trained.models["float32"]).provenance["verified"]
    assert (
        exact["map_drop_points"] == 0 and exact["worst_difference"] < 1e-4 and set(exact["agreement"].values()) == {1}
    )


def test_a_file_that_loses_too_much_is_not_written_unless_it_is_to_be_kept(trained: Any, tmp_path: Path) -> None:
    source = read_run(trained.run)
    with pytest.raises(
        VerificationError,
        match=r"tiny-tagger-float16.tflite: macro mAP falls by .* points, more than -100; not written; --layers",
    ):
        convert(source, ["float16"], out=tmp_path, max_drop=-100)
    assert not list(tmp_path.iterdir())
    with pytest.raises(VerificationError, match=r"written all the same"):
        convert(source, ["float16"], out=tmp_path, max_drop=-100, keep=True)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-tagger-float16.tflite"]


def test_the_drop_is_that_of_macro_map_in_points(trained: Any) -> None:
    source = read_run(trained.run)
    reference = read_reference(source)
    middle = np.median(reference.scores, axis=0)
    told = replace(reference, targets=(reference.scores > middle).astype(np.int8))
    found = verify(trained.models["float32"].read_bytes(), source.manifest, told)
    assert found.map_drop_points == 0
    inverted = replace(told, scores=1 - reference.scores)
    found = verify(trained.models["float32"].read_bytes(), source.manifest, inverted)
    assert found.map_drop_points < -30 and found.worst_difference > 0.5


def test_a_file_that_gives_all_photos_one_answer_does_not_pass_for_want_of_labels(trained: Any) -> None:
    source = replace(read_run(trained.run), validation=None)
    reference = read_reference(source)
    collapsed = replace(
        reference, scores=np.roll(reference.scores, 5, axis=1), targets=np.zeros_like(reference.targets)
    )
    found = verify(trained.models["float32"].read_bytes(), source.manifest, collapsed)
    assert found.map_drop_points is None and "macro mAP" in str(found)
    assert "has the source model's answer for" in (found.problem(1.0) or "")
    assert verify(trained.models["float32"].read_bytes(), source.manifest, reference).problem(1.0) is None
    assert replace(found, map_drop_points=0.1, labelled=True).problem(float("nan")) is not None
    unfit = replace(found, map_drop_points=None, labelled=True, agreement={"category": 0.5})
    assert "less than 90%" in (unfit.problem(1) or ""), "labels that name no tag are none"


def test_few_photos_have_too_few_labels(trained: Any) -> None:
    source = read_run(trained.run)
    reference = read_reference(source)
    assert reference.thinned(48, source.manifest) is reference and reference.labelled
    few = reference.thinned(10, source.manifest)
    assert len(few.photos) == len(few.scores) == 10 and not few.labelled and set(np.unique(few.targets)) <= {0, 1}


def test_one_format_that_breaks_does_not_keep_the_others_from_being_written(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge_tagger.convert import writer

    def broken(*arguments: Any, kind: str, **named: Any) -> None:
        if kind == "float16":
            raise ModelError("breaks the contract")
        check_contract(*arguments, kind=kind, **named)

    monkeypatch.setattr(writer, "check_contract", broken)
    with pytest.raises(ModelError, match="breaks the contract"):
        convert(read_run(trained.run), ["float16", "float32"], out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-tagger-float32.tflite"]


@pytest.mark.parametrize("name", ["../up", ".hidden", "-int8", "a/b", "a\\b", ""])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a file's"):
        file_name(name, "int8", "uint8")


def test_without_validation_photos_the_source_is_the_truth(trained: Any) -> None:
    source = replace(read_run(trained.run), validation=None)
    reference = read_reference(source)
    found = verify(trained.models["float16"].read_bytes(), source.manifest, reference)
    assert not found.labelled and found.photos == 32 and abs(found.map_drop_points) < 5
    with pytest.raises(ModelError, match="--representative DIR or CSV"):
        read_reference(replace(source, representative=None))


def test_layers_tell_where_the_error_enters(trained: Any) -> None:
    photos = np.load(trained.run / "representative.npy")[:4]
    float32 = trained.models["float32"].read_bytes()
    same = layer_noise(float32, float32, photos)
    assert len(same) > 10 and min(each.ratio_db for each in same) > 100
    coarse = layer_noise(float32, trained.models["int8"].read_bytes(), photos)
    fine = layer_noise(float32, trained.models["int16x8"].read_bytes(), photos)
    assert len(coarse) > 10
    assert np.median([each.ratio_db for each in fine]) > np.median([each.ratio_db for each in coarse]) > 0
    assert [each.lost_db for each in coarse] == sorted((each.lost_db for each in coarse), reverse=True)
    files = {kind: path.read_bytes() for kind, path in trained.models.items()}
    lines = list(describe_layers(read_run(trained.run), files, photos))
    assert [line.partition(":")[0] for line in lines if "where the error enters" in line] == [
        "dynamic",
        "int8",
        "int16x8",
    ]


def test_what_is_no_finished_run_is_refused(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        read_run(tmp_path)
    shutil.copy(trained.run / "manifest.json", tmp_path)
    with pytest.raises(RunError, match="no finished float model; finish it with `edge-tagger train --resume`"):
        read_run(tmp_path)


def test_a_target_that_cannot_be_written_leaves_nothing(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        convert(read_run(trained.run), ["float16"], out=tmp_path / "missing", max_drop=100)
    assert not list(tmp_path.iterdir())
