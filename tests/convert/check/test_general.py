"""Each rule about the graph and about what is packed, seen holding and broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.convert.check.facts import read_facts
from edge_tagger.convert.check.general import aligned, float_normalization
from edge_tagger.convert.check.targets import GENERAL_RULES
from edge_tagger.manifest import MANIFEST_FILE

TYPES = tflite.TensorType


def two_inputs(draft: Any) -> None:
    draft.graph.inputs = [draft.graph.inputs[0], draft.graph.inputs[0]]


def grey(draft: Any) -> None:
    draft.tensor(0).shape = [1, 8, 8, 1]


def oblong(draft: Any) -> None:
    draft.tensor(0).shape = [1, 8, 12, 3]


def free_batch(draft: Any) -> None:
    draft.tensor(0).shapeSignature = [-1, 8, 8, 3]


def map_of_scores(draft: Any) -> None:
    draft.tensor(0, output=True).shape = [1, 2, 4]


def wide_input(draft: Any) -> None:
    draft.tensor(0).type = TYPES.INT32


def wide_output(draft: Any) -> None:
    draft.tensor(0, output=True).type = TYPES.INT16


def odd_scale(draft: Any) -> None:
    draft.tensor(0).quantization.scale = [0.94]


def flex(draft: Any) -> None:
    draft.rename("LOGISTIC", "FlexErf")


def half_integer(draft: Any) -> None:
    draft.graph.tensors[draft.operator("MEAN").outputs[0]].type = TYPES.FLOAT32


def escape(draft: Any) -> None:
    draft.files["../labels.txt"] = b"x"


def other_mark(draft: Any) -> None:
    draft.metadata_mark = b"M999"


def two_described(draft: Any) -> None:
    draft.said.outputTensorMetadata *= 2


def mean_of_127(draft: Any) -> None:
    options = draft.said.inputTensorMetadata[0].processUnits[0].options
    options.mean, options.std = [127.5], [127.5]


def std_of_0(draft: Any) -> None:
    draft.said.inputTensorMetadata[0].processUnits[0].options.std = [0.0]


def stats_of_1(draft: Any) -> None:
    draft.said.inputTensorMetadata[0].stats.max = [1.0]


def lost_labels(draft: Any) -> None:
    del draft.files["labels.txt"]


def short_labels(draft: Any) -> None:
    draft.files["labels_en.txt"] = b"one\ntwo\n"


def swapped_labels(draft: Any) -> None:
    draft.files["labels.txt"] = b"\n".join(reversed(draft.files["labels.txt"].split())) + b"\n"


def broken_manifest(draft: Any) -> None:
    draft.manifest, draft.files[MANIFEST_FILE] = None, b'{"format": 7}'


def nested_manifest(draft: Any) -> None:
    draft.manifest, draft.files[MANIFEST_FILE] = None, b"[" * 10**5


def true_or_false(draft: Any) -> None:
    draft.tensor(0, output=True).type = TYPES.BOOL


def other_size(draft: Any) -> None:
    draft.manifest = replace(draft.manifest, image_size=16)


BREAKS: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "general.one-input": ("uint8", two_inputs, "2 inputs: serving_default_image:0 uint8"),
    "general.image-shape": ("uint8", grey, "[1, 8, 8, 1]"),
    "general.static-shapes": ("uint8", free_batch, "[-1, 8, 8, 3]"),
    "general.scores-output": ("uint8", map_of_scores, "[1, 2, 4]"),
    "general.classifier": ("uint8", oblong, "of shape [1, 8, 12, 3]"),
    "general.input-type": ("uint8", wide_input, "int32 [1, 8, 8, 3]"),
    "general.output-type": ("uint8", wide_output, "int16 [1, 8]"),
    "general.pixel-codes": ("uint8", odd_scale, "scale 0.94 and zero point 0"),
    "general.custom-operators": ("uint8", flex, "need the Flex delegate: FlexErf"),
    "general.integer-everywhere": ("uint8", half_integer, "but 2 of 5 operators work on floats: MEAN ("),
    "general.archive-safe": ("uint8", escape, "'../labels.txt' is no plain name"),
    "general.metadata-readable": ("uint8", other_mark, "M999"),
    "general.metadata-counts": ("uint8", two_described, "2 outputs described, 1 there"),
    "general.metadata-normalization": ("uint8", mean_of_127, "-1..1, the input "),
    "general.metadata-stats": ("uint8", stats_of_1, "said to hold 0..1, it holds 0..255"),
    "general.files-packed": ("uint8", lost_labels, "missing: labels.txt"),
    "general.label-count": ("uint8", short_labels, "labels_en.txt has 2 lines for 8 scores"),
    "general.labels-of-manifest": ("uint8", swapped_labels, "line 1 of labels.txt is 'light/dark'"),
    "general.manifest-readable": ("uint8", broken_manifest, "format 7"),
    "general.manifest-agrees": ("uint8", other_size, "[1, 16, 16, 3], the input is [1, 8, 8, 3]"),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_each_rule_holds_and_breaks(rule: str, holds_then_breaks: Callable[..., str]) -> None:
    kind, change, what = BREAKS[rule]
    assert what in holds_then_breaks(rule, kind, change)


def test_no_rule_is_left_out() -> None:
    by_file = {"general.aligned", "general.not-rewritten", "general.float-normalization"}  # below
    assert set(BREAKS) | by_file == {rule.id for rule in GENERAL_RULES}


def test_a_float_input_that_nothing_normalizes(data: Path) -> None:
    facts = read_facts(data / "tiny-float32.tflite")
    assert not facts.normalizes and float_normalization(facts) is None
    bare = replace(facts, manifest=None, described=None, normalizes=False)
    assert "neither metadata nor the first operators" in str(float_normalization(bare))
    assert float_normalization(replace(bare, normalizes=True)) is None
    assert float_normalization(replace(bare, manifest=facts.manifest)) is None


def test_values_at_odd_addresses(data: Path) -> None:
    facts = read_facts(data / "tiny-float32.tflite")
    assert aligned(facts) is None
    moved = [replace(t, offset_bytes=t.offset_bytes + 1) if t.offset_bytes else t for t in facts.tensors]
    assert "constant tensors at odd addresses" in str(aligned(replace(facts, tensors=tuple(moved))))


def test_a_flipped_weight_is_seen(draft: Any, report: Any, tmp_path: Path, found: Any) -> None:
    assert "general.not-rewritten" not in found(draft("uint8"))
    whole = bytearray((tmp_path / "tiny.tflite").read_bytes())
    place = next(t.offset_bytes for t in report(draft("uint8")).facts.tensors if t.size_bytes == 24)
    whole[place] ^= 1
    (tmp_path / "flipped.tflite").write_bytes(whole)
    assert not read_facts(tmp_path / "flipped.tflite").intact


@pytest.mark.parametrize(
    ("rule", "kind", "change", "what"),
    [
        ("general.metadata-normalization", "float32", mean_of_127, "-1..1, the input "),
        ("general.metadata-normalization", "float32", std_of_0, "normalize nothing"),
        ("general.custom-operators", "uint8", lambda d: d.rename("LOGISTIC", "MyScore"), "custom operators: MyScore"),
        ("general.output-type", "uint8", true_or_false, "bool [1, 8]"),
        ("general.image-shape", "uint8", lambda d: setattr(d.tensor(0), "shape", [1, 192]), "uint8 [1, 192]"),
        ("general.manifest-agrees", "uint8", odd_scale, "uint8 with scale [0.9"),
        ("general.manifest-readable", "uint8", nested_manifest, "nested too deeply"),
    ],
)
def test_other_ways_to_break_them(
    rule: str, kind: str, change: Callable[[Any], object], what: str, holds_then_breaks: Callable[..., str]
) -> None:
    assert what in holds_then_breaks(rule, kind, change)


def test_a_file_is_integer_by_its_name_or_its_manifest(draft: Any, report: Any) -> None:
    plain = report(draft("float32"))
    assert plain.fine
    named = report(draft("float32"), name="shop-int8.tflite")
    assert "the name says int8, but 3 of 3 operators" in str(named)
    made = draft("float32")
    made.manifest = replace(made.manifest, provenance={"format": "int16x8"})
    assert "the manifest says int16x8" in str(report(made))


def test_float_ends_of_an_integer_file_are_fine(draft: Any, found: Any) -> None:
    made = draft("uint8")
    made.tensor(0).type, made.tensor(0).quantization = TYPES.FLOAT32, None
    assert "general.integer-everywhere" not in found(made)


def test_a_model_without_anything_packed_is_judged_by_its_tensors(data: Path) -> None:
    facts = read_facts(data / "bare-int8.tflite")
    assert facts.described is None and facts.manifest is None and facts.intact
    assert [rule.id for rule in GENERAL_RULES if rule.check(facts)] == []


def test_absurd_metadata_are_not_followed(draft: Any, found: Any) -> None:
    made = draft("uint8")
    made.said.outputTensorMetadata = [schema.TensorMetadataT()] * 1000
    assert "a list of 1000 entries" in found(made)["general.metadata-readable"]


def test_weights_count_once(draft: Any, report: Any) -> None:
    made = draft("uint8")
    before = report(made).facts.weight_bytes
    again = draft("uint8")
    again.constant(np.zeros((10, 10), np.int8), "INT8")
    again.graph.tensors.append(again.graph.tensors[-1])
    assert report(again).facts.weight_bytes == before + 100
