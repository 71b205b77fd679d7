"""Each rule of MediaPipe and of ML Kit, seen holding and broken."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.convert.check import mediapipe, mlkit

TYPES = tflite.TensorType


def image(draft: Any) -> Any:
    return draft.said.inputTensorMetadata[0]


def unit_of_kind(number: int) -> Any:
    unit = schema.ProcessUnitT()
    unit.optionsType, unit.options = number, schema.NormalizationOptionsT()
    return unit


def two_graphs(draft: Any) -> None:
    draft.model.subgraphs *= 2


def batch_of_2(draft: Any) -> None:
    draft.tensor(0).shape = [2, 8, 8, 3]


def free_batch(draft: Any) -> None:
    draft.tensor(0).shapeSignature = [-1, 8, 8, 3]


def int8_input(draft: Any) -> None:
    draft.tensor(0).type = TYPES.INT8


def int8_output(draft: Any) -> None:
    draft.tensor(0, output=True).type = TYPES.INT8


def two_outputs(draft: Any) -> None:
    draft.graph.outputs = [draft.graph.outputs[0]] * 2


def grey_content(draft: Any) -> None:
    image(draft).content.contentProperties.colorSpace = schema.ColorSpaceType.UNKNOWN


def no_units(draft: Any) -> None:
    image(draft).processUnits = None


def two_units(draft: Any) -> None:
    image(draft).processUnits *= 2


def two_stds(draft: Any) -> None:
    image(draft).processUnits[0].options.std = [1.0, 1.0]


def imagenet(draft: Any) -> None:
    options = image(draft).processUnits[0].options
    options.mean, options.std = [123.7, 116.3, 103.5], [58.4, 57.1, 57.4]


def nameless(draft: Any) -> None:
    draft.said.outputTensorMetadata[0].name = None


def newer(draft: Any) -> None:
    draft.metadata.minParserVersion = "1.6.0"


def deflated(draft: Any) -> None:
    draft.manifest, draft.compression = None, zipfile.ZIP_DEFLATED


def threshold(draft: Any) -> None:
    draft.said.outputTensorMetadata[0].processUnits = [unit_of_kind(3)]


def calibration(draft: Any) -> None:
    draft.said.outputTensorMetadata[0].processUnits = [unit_of_kind(2)]


def undescribed(draft: Any) -> None:
    draft.metadata = None


def map_of_scores(draft: Any) -> None:
    draft.tensor(0, output=True).shape = [1, 2, 4]


BREAKS: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "mediapipe.one-graph": ("uint8", two_graphs, "2 graphs"),
    "mediapipe.image-input": ("uint8", batch_of_2, "[2, 8, 8, 3]"),
    "mediapipe.input-type": ("uint8", int8_input, "int8 [1, 8, 8, 3]"),
    "mediapipe.output-type": ("uint8", int8_output, "int8"),
    "mediapipe.output-counts": ("uint8", two_outputs, "1 outputs described, 2 there"),
    "mediapipe.rgb-content": ("uint8", grey_content, "not RGB"),
    "mediapipe.float-normalization": ("float32", no_units, "no mean and std"),
    "mediapipe.one-normalization": ("uint8", two_units, "2 normalizations"),
    "mediapipe.per-channel": ("float32", imagenet, "mean [123.7, 116.3, 103.5], std [58.4, 57.1, 57.4]"),
    "mediapipe.head-names": ("uint8", nameless, "1 described outputs have no name"),
    "mediapipe.no-threshold": ("uint8", threshold, "global threshold"),
    "mediapipe.calibration-file": ("uint8", calibration, "score calibration"),
    "mediapipe.parser-version": ("uint8", newer, "1.6.0"),
    "mediapipe.stored-files": ("uint8", deflated, "compressed: labels.txt"),
    "mlkit.one-input": ("uint8", lambda d: setattr(d.graph, "inputs", [0, 0]), "2 inputs"),
    "mlkit.input-type": ("uint8", int8_input, "int8 [1, 8, 8, 3]"),
    "mlkit.input-shape": ("uint8", batch_of_2, "[2, 8, 8, 3]"),
    "mlkit.fixed-batch": ("uint8", free_batch, "[-1, 8, 8, 3]"),
    "mlkit.float-normalization": ("float32", no_units, "no mean and std"),
    "mlkit.per-channel": ("float32", imagenet, "mean [123.7"),
    "mlkit.output-shape": ("uint8", map_of_scores, "[1, 2, 4]"),
    "mlkit.one-head": ("uint8", two_outputs, "2 outputs"),
    "mlkit.output-type": ("uint8", int8_output, "int8 [1, 8]"),
    "mlkit.labels-there": ("uint8", undescribed, "no label file"),
    "mlkit.stored-files": ("uint8", deflated, "compressed: labels.txt"),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_each_rule_holds_and_breaks(rule: str, holds_then_breaks: Callable[..., str]) -> None:
    kind, change, what = BREAKS[rule]
    assert what in holds_then_breaks(rule, kind, change)


def test_no_rule_is_left_out() -> None:
    assert set(BREAKS) == {rule.id for rule in (*mediapipe.RULES, *mlkit.RULES)}


@pytest.mark.parametrize(
    ("rule", "change", "what"),
    [
        ("mediapipe.one-normalization", two_stds, "std [1.0, 1.0]"),
        ("mediapipe.rgb-content", lambda d: setattr(image(d).content, "contentPropertiesType", 1), "content 1"),
        ("mediapipe.output-counts", lambda d: setattr(d.said, "inputTensorMetadata", None), "the input is not"),
        ("mediapipe.parser-version", lambda d: setattr(d.metadata, "minParserVersion", "new"), "'new'"),
        ("mediapipe.image-input", lambda d: setattr(d.graph, "inputs", [0, 0]), "2 inputs"),
    ],
)
def test_other_ways_to_break_them(
    rule: str, change: Callable[[Any], object], what: str, holds_then_breaks: Callable[..., str]
) -> None:
    assert what in holds_then_breaks(rule, "uint8", change)


def test_the_fix_of_per_channel_says_how_to_fold(draft: Any, report: Any) -> None:
    made = draft("float32")
    imagenet(made)
    assert "weights 1/std and bias -mean/std" in str(report(made, "mediapipe"))


def test_a_std_of_0_or_too_many_of_them(draft: Any, found: Any) -> None:
    made = draft("float32")
    two_stds(made)
    assert {"mediapipe.one-normalization", "general.metadata-normalization"} <= set(found(made))
    for kind, refused in (("float32", True), ("uint8", False)):
        made = draft(kind)
        image(made).processUnits[0].options.std = [0.0]
        assert ("mediapipe.one-normalization" in found(made)) is refused


def test_a_quantized_input_takes_any_described_mean(draft: Any, found: Any) -> None:
    made = draft("uint8")
    imagenet(made)
    assert "mediapipe.per-channel" not in found(made)  # the code hands uint8 pixels over as they are
    assert "general.metadata-normalization" in found(made)
