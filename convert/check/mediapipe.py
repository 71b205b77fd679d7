"""Rules of MediaPipe Tasks' image classifier: what it refuses when it opens the file, or crashes on."""

from __future__ import annotations

from edge_tagger.convert.check.described import (
    IMAGE_PROPERTIES,
    NORMALIZATION,
    RGB,
    SCORE_CALIBRATION,
    SCORE_THRESHOLDING,
    Description,
)
from edge_tagger.convert.check.facts import ModelFacts
from edge_tagger.convert.check.rule import ERROR, WARNING, Rule

_PARSER = (1, 5, 0)  # kMetadataParserVersion
FOLD = (
    "fold it: put a 1x1 depthwise convolution with weights 1/std and bias -mean/std first in the graph (exact; TFMOT "
    "quantizes it), or divide the first convolution's weights by std if it has no padding; then write mean 0, std 1"
)


def one_graph(facts: ModelFacts) -> str | None:
    """The model has one graph.

    Source: mediapipe/tasks/cc/vision/utils/image_tensor_specs.cc (BuildInputImageTensorSpecs)
    """
    return None if facts.graphs == 1 else f"{facts.graphs} graphs"


def image_input(facts: ModelFacts) -> str | None:
    """The one input is [1, height, width, 3] (or 4 channels).

    Source: mediapipe/tasks/cc/vision/utils/image_tensor_specs.cc (BuildInputImageTensorSpecs)
    """
    if len(facts.inputs) != 1:
        return f"{len(facts.inputs)} inputs"
    shape = facts.inputs[0].shape
    # A free batch (-1 in the signature) stands as 1 in the shape that MediaPipe reads; other free sizes are 1 too.
    fits = len(shape) == 4 and shape[0] in (1, -1) and min(shape[1:3]) > 0 and shape[3] in (3, 4)
    return None if fits else f"the input is {facts.inputs[0]}"


def input_type(facts: ModelFacts) -> str | None:
    """The input is uint8 or float32.

    Source: mediapipe/tasks/cc/vision/utils/image_tensor_specs.cc (valid_types)
    """
    wrong = [tensor for tensor in facts.inputs if tensor.dtype not in ("uint8", "float32")]
    return f"the input is {wrong[0]}" if wrong else None


def output_type(facts: ModelFacts) -> str | None:
    """Outputs are all uint8 or bool, or all float32.

    Source: mediapipe/tasks/cc/components/processors/classification_postprocessing_graph.cc
    (GetClassificationHeadsProperties)
    """
    types = {tensor.dtype for tensor in facts.outputs}
    fits = types <= {"uint8", "bool"} or types == {"float32"}
    return None if fits else f"the outputs are {', '.join(sorted(types))}"


def output_counts(facts: ModelFacts) -> str | None:
    """The metadata describe every output, and at least one input where they describe a graph.

    Source: mediapipe/tasks/cc/components/processors/classification_postprocessing_graph.cc ("Mismatch between number
    of output tensors") and mediapipe/tasks/cc/vision/utils/image_tensor_specs.cc (GetImageTensorMetadataIfAny)
    """
    said = facts.described
    if said is None or (said.inputs is None and said.outputs is None):
        return None
    if said.inputs is None:
        return "outputs are described, the input is not"
    if said.outputs is not None and len(said.outputs) != len(facts.outputs):
        return f"{len(said.outputs)} outputs described, {len(facts.outputs)} there"
    return None


def rgb_content(facts: ModelFacts) -> str | None:
    """The input is described as an RGB image, or its content not at all.

    Source: mediapipe/tasks/cc/vision/utils/image_tensor_specs.cc (GetImagePropertiesIfAny, "Only RGB color space")
    """
    said = _input(facts)
    if said is None or said.content == 0:
        return None
    if said.content != IMAGE_PROPERTIES:
        return f"the input is described as content {said.content}, not as an image ({IMAGE_PROPERTIES})"
    return None if said.color_space == RGB else "the input's color space is not RGB"


def float_normalization(facts: ModelFacts) -> str | None:
    """A float32 input has a described normalization.

    Source: mediapipe/tasks/cc/vision/utils/image_tensor_specs.cc ("requires specifying NormalizationOptions")
    """
    said = _input(facts)
    if not facts.inputs or facts.inputs[0].dtype != "float32" or (said and said.normalizations):
        return None
    return "the input is float32 and no mean and std are described"


def one_normalization(facts: ModelFacts) -> str | None:
    """There is at most one normalization, with 1 or 3 means, as many stds, and no std of 0 for a float32 input.

    Source: mediapipe/tasks/cc/vision/utils/image_tensor_specs.cc (GetNormalizationOptionsIfAny) and
    mediapipe/tasks/cc/metadata/metadata_extractor.cc (FindFirstProcessUnit);
    mediapipe/tasks/cc/components/processors/image_preprocessing_graph.cc ("std_values can't be 0")
    """
    said = _input(facts)
    if said is None:
        return None
    if said.units.count(NORMALIZATION) > 1:
        return f"{said.units.count(NORMALIZATION)} normalizations"
    for normalization in said.normalizations:
        counts = len(normalization.mean), len(normalization.std)
        zero = 0 in normalization.std and facts.inputs[0].dtype == "float32"
        if counts not in ((1, 1), (3, 3)) or zero:
            return f"mean {list(normalization.mean)}, std {list(normalization.std)}"
    return None


def per_channel(facts: ModelFacts) -> str | None:
    """A float32 input is normalized alike in all channels.

    Source: mediapipe/tasks/cc/components/processors/image_preprocessing_graph.cc ("Per-channel image normalization is
    not available")
    """
    said = _input(facts)
    if said is None or facts.inputs[0].dtype != "float32":
        return None
    for normalization in said.normalizations:
        if len(set(normalization.mean)) > 1 or len(set(normalization.std)) > 1:
            return f"mean {_short(normalization.mean)}, std {_short(normalization.std)}"
    return None


def head_names(facts: ModelFacts) -> str | None:
    """Every described output has a name; older releases read it without looking (1.2.2 takes a file without).

    Source: mediapipe/tasks/cc/components/processors/classification_postprocessing_graph.cc
    (ConfigureClassificationAggregationCalculator)
    """
    said = (facts.described and facts.described.outputs) or ()
    nameless = sum(tensor.name is None for tensor in said)
    return f"{nameless} described outputs have no name" if nameless else None


def no_threshold(facts: ModelFacts) -> str | None:
    """The metadata set no global score threshold.

    One for all tags hides those whose own threshold is lower; MediaPipe applies it unless the app sets another.

    Source: mediapipe/tasks/cc/components/processors/classification_postprocessing_graph.cc (GetScoreThreshold)
    """
    said = (facts.described and facts.described.outputs) or ()
    return "a global threshold is described" if any(SCORE_THRESHOLDING in tensor.units for tensor in said) else None


def calibration_file(facts: ModelFacts) -> str | None:
    """The metadata ask for no score calibration.

    MediaPipe refuses one without its file of parameters; with it, its scores are others than the model's.

    Source: mediapipe/tasks/cc/components/processors/classification_postprocessing_graph.cc
    (ConfigureScoreCalibrationIfAny)
    """
    said = (facts.described and facts.described.outputs) or ()
    return "score calibration is described" if any(SCORE_CALIBRATION in tensor.units for tensor in said) else None


def parser_version(facts: ModelFacts) -> str | None:
    """The metadata ask for parser 1.5.0 or older.

    Source: mediapipe/tasks/cc/metadata/metadata_extractor.cc (kMetadataParserVersion, 1.5.0)
    """
    asked = facts.described.min_parser_version if facts.described else ""
    try:
        parts = tuple(int(part) for part in asked.split(".") if asked)
    except ValueError:
        return f"the minimum parser version is {asked!r}"
    return f"the metadata need parser {asked}" if parts > _PARSER else None


def stored_files(facts: ModelFacts) -> str | None:
    """Packed files are stored, not compressed.

    Source: mediapipe/tasks/cc/metadata/utils/zip_utils.cc ("Expected uncompressed zip archive")
    """
    compressed = facts.archive.compressed if facts.described else ()
    return f"compressed: {', '.join(compressed[:5])}" if compressed else None


def _input(facts: ModelFacts) -> Description | None:
    said = facts.described.inputs if facts.described else None
    return said[0] if said and facts.inputs else None


def _short(values: tuple[float, ...]) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in values) + "]"


_AGAIN = "convert the model again with edge-tagger convert, which writes what MediaPipe reads"

RULES = (
    Rule("mediapipe.one-graph", ERROR, one_graph, "export one signature only"),
    Rule("mediapipe.image-input", ERROR, image_input, "export the model with one input [1, S, S, 3], channels last"),
    Rule("mediapipe.input-type", ERROR, input_type, "convert again with --io uint8 or --io float32"),
    Rule("mediapipe.output-type", ERROR, output_type, "convert again with --io uint8 or --io float32"),
    Rule("mediapipe.output-counts", ERROR, output_counts, _AGAIN),
    Rule("mediapipe.rgb-content", ERROR, rgb_content, _AGAIN),
    Rule(
        "mediapipe.float-normalization",
        ERROR,
        float_normalization,
        "describe the input's mean and std: 0 and 1 where the graph normalizes",
    ),
    Rule("mediapipe.one-normalization", ERROR, one_normalization, "write one normalization of one mean and one std"),
    Rule("mediapipe.per-channel", ERROR, per_channel, FOLD),
    Rule("mediapipe.head-names", WARNING, head_names, "name the outputs in the metadata"),
    Rule(
        "mediapipe.no-threshold",
        WARNING,
        no_threshold,
        "leave the threshold out and set one in the app, or use our decoder, which has one for each tag",
    ),
    Rule(
        "mediapipe.calibration-file",
        ERROR,
        calibration_file,
        "leave it out and fold the calibration into the last layer's weights, as edge-tagger train does",
    ),
    Rule("mediapipe.parser-version", ERROR, parser_version, "write the version that the fields need, 1.0.0 for ours"),
    Rule("mediapipe.stored-files", ERROR, stored_files, "pack the files again uncompressed: zip -0"),
)
