"""Rules of ML Kit's custom models (image labeling, object detection), which stand on the TFLite Task Library."""

from __future__ import annotations

from edge_tagger.convert.check.facts import ModelFacts
from edge_tagger.convert.check.mediapipe import per_channel, stored_files
from edge_tagger.convert.check.rule import ERROR, WARNING, Rule, named


def one_input(facts: ModelFacts) -> str | None:
    """The model has one input.

    Source: https://developers.google.com/ml-kit/custom-models (model compatibility, tensors)
    """
    return None if len(facts.inputs) == 1 else f"{len(facts.inputs)} inputs"


def input_type(facts: ModelFacts) -> str | None:
    """The input is uint8 or float32.

    Source: https://developers.google.com/ml-kit/custom-models (model compatibility, tensors)
    """
    wrong = [tensor for tensor in facts.inputs if tensor.dtype not in ("uint8", "float32")]
    return f"the input is {wrong[0]}" if wrong else None


def input_shape(facts: ModelFacts) -> str | None:
    """The input has 4 dimensions: batch 1, height, width, 3 channels.

    Source: https://developers.google.com/ml-kit/custom-models (model compatibility, tensors)
    """
    for tensor in facts.inputs[:1]:
        shape = tensor.shape
        if len(shape) != 4 or shape[0] not in (1, -1) or shape[3] != 3:
            return f"the input is {tensor}"
    return None


def fixed_batch(facts: ModelFacts) -> str | None:
    """The batch is 1, not free; a free one runs as 1 unless an app resizes it.

    Source: https://developers.google.com/ml-kit/custom-models (batch must be 1)
    """
    free = [tensor for tensor in facts.inputs if tensor.shape[:1] == (-1,)]
    return f"the input is {free[0]}" if free else None


def float_normalization(facts: ModelFacts) -> str | None:
    """A float32 input has a described normalization.

    Source: https://developers.google.com/ml-kit/custom-models (NormalizationOptions);
    tensorflow_lite_support/cc/task/vision/utils/image_tensor_specs.cc
    """
    said = (facts.described and facts.described.inputs) or ()
    if not facts.inputs or facts.inputs[0].dtype != "float32" or (said and said[0].normalizations):
        return None
    return "the input is float32 and no mean and std are described"


def output_shape(facts: ModelFacts) -> str | None:
    """The output is [1, N] or [1, 1, 1, N].

    Source: https://developers.google.com/ml-kit/custom-models (model compatibility, tensors)
    """
    wrong = [
        t for t in facts.outputs if len(t.shape) not in (2, 4) or any(size not in (1, -1) for size in t.shape[:-1])
    ]
    return f"the outputs: {named(wrong)}" if wrong else None


def one_head(facts: ModelFacts) -> str | None:
    """There is one output; several give unexpected results.

    Source: https://developers.google.com/ml-kit/custom-models (single-head models)
    """
    return None if len(facts.outputs) == 1 else f"{len(facts.outputs)} outputs"


def output_type(facts: ModelFacts) -> str | None:
    """Outputs are uint8 or float32.

    Source: tensorflow/lite/g3doc/inference_with_metadata/task_library/image_classifier.md (output score tensor)
    """
    wrong = [tensor for tensor in facts.outputs if tensor.dtype not in ("uint8", "float32")]
    return f"the output is {wrong[0]}" if wrong else None


def labels_there(facts: ModelFacts) -> str | None:
    """The output has a label file; without one there are only numbers.

    Source: https://developers.google.com/ml-kit/custom-models (label map);
    tensorflow/lite/g3doc/inference_with_metadata/task_library/image_classifier.md (TENSOR_AXIS_LABELS)
    """
    said = (facts.described and facts.described.outputs) or ()
    return None if any(tensor.labels for tensor in said) else "no label file is described on the output"


_IO = "convert again with --io uint8 or --io float32"

RULES = (
    Rule("mlkit.one-input", ERROR, one_input, "export a model that takes the photo alone"),
    Rule("mlkit.input-type", ERROR, input_type, _IO),
    Rule("mlkit.input-shape", ERROR, input_shape, "export the model with an input [1, S, S, 3], channels last, RGB"),
    Rule("mlkit.fixed-batch", WARNING, fixed_batch, "export with batch 1: tf.TensorSpec([1, S, S, 3], tf.float32)"),
    Rule(
        "mlkit.float-normalization",
        ERROR,
        float_normalization,
        "describe mean and std: 0 and 1 where the graph has them",
    ),
    Rule(
        "mlkit.per-channel",
        WARNING,
        per_channel,
        "fold mean and std into the graph: the document speaks of one mean and std, the code takes three; MediaPipe, "
        "its successor, refuses them",
    ),
    Rule("mlkit.output-shape", ERROR, output_shape, "flatten the scores to [1, N]"),
    Rule("mlkit.one-head", WARNING, one_head, "concatenate the heads to one output, as edge-tagger train does"),
    Rule("mlkit.output-type", ERROR, output_type, _IO),
    Rule("mlkit.labels-there", WARNING, labels_there, "convert again with edge-tagger convert, which packs labels"),
    Rule("mlkit.stored-files", ERROR, stored_files, "pack the files again uncompressed: zip -0"),
)
