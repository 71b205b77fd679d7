"""Each rule of the Android GPU, the Edge TPU and the Pi, seen holding and broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.convert.check import android_gpu, edgetpu, pi
from edge_tagger.convert.check.facts import read_facts

TYPES = tflite.TensorType


def computed_shape(draft: Any) -> None:
    """MEAN becomes a RESHAPE whose second input is computed."""
    operator = draft.rename("MEAN", "RESHAPE")
    operator.inputs = [operator.inputs[0], draft.operator("FULLY_CONNECTED").outputs[0]]


def sharp_softmax(draft: Any) -> None:
    draft.rename("LOGISTIC", "SOFTMAX", "SoftmaxOptions", beta=2.0)


def int16_inside(draft: Any) -> None:
    draft.graph.tensors[draft.operator("FULLY_CONNECTED").outputs[0]].type = TYPES.INT16


def free_batch(draft: Any) -> None:
    draft.tensor(0).shapeSignature = [-1, 8, 8, 3]


def computed_weights(draft: Any) -> None:
    dense = draft.operator("FULLY_CONNECTED")
    dense.inputs = [dense.inputs[0], dense.inputs[0], dense.inputs[2]]


def fused_pool(draft: Any) -> None:
    draft.rename("MEAN", "AVERAGE_POOL_2D", "Pool2DOptions", fusedActivationFunction=1, filterWidth=8, filterHeight=8)


def batch_of_2(draft: Any) -> None:
    draft.tensor(0).shape = [2, 8, 8, 3]


def heavy(draft: Any) -> None:
    dense = draft.operator("FULLY_CONNECTED")
    dense.inputs = [dense.inputs[0], draft.constant(np.zeros((8, 10**6 + 1), np.int8), "INT8"), dense.inputs[2]]


def new_version(draft: Any) -> None:
    draft.model.operatorCodes[draft.operator("QUANTIZE").opcodeIndex].version = 3


def half_weights(draft: Any) -> None:
    dense = draft.operator("FULLY_CONNECTED")
    half = draft.constant(np.zeros((8, 3), np.float16), "FLOAT16")
    dense.inputs = [dense.inputs[0], half, dense.inputs[2]]


def dynamic_weights(draft: Any) -> None:
    dense = draft.operator("FULLY_CONNECTED")
    small = draft.constant(np.zeros((8, 3), np.int8), "INT8")
    dense.inputs = [dense.inputs[0], small, dense.inputs[2]]


def newer_runtime(draft: Any) -> None:
    entry = next(entry for entry in draft.model.metadata if entry.name == b"min_runtime_version")
    draft.model.buffers[entry.buffer].data = np.frombuffer(b"2.16.1\0\0", np.uint8)


BREAKS: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "android-gpu.operators": ("uint8", lambda d: d.rename("LOGISTIC", "ROUND"), "ROUND ("),
    "android-gpu.operator-limits": ("uint8", sharp_softmax, "beta 2, not 1"),
    "android-gpu.types": ("uint8", int16_inside, "on int16"),
    "android-gpu.static-shapes": ("uint8", computed_shape, "RESHAPE ("),
    "android-gpu.quantized": ("float32", lambda d: d.become("uint8"), "5 of 5 operators are 8-bit"),
    "edgetpu.quantized": ("uint8", lambda d: d.become("float32"), "3 of 3 operators: MEAN"),
    "edgetpu.static-shapes": ("uint8", free_batch, "[-1, 8, 8, 3]"),
    "edgetpu.operators": ("uint8", lambda d: d.rename("LOGISTIC", "EXP"), "EXP ("),
    "edgetpu.operator-limits": ("uint8", fused_pool, "a fused activation"),
    "edgetpu.constant-parameters": ("uint8", computed_weights, "FULLY_CONNECTED ("),
    "edgetpu.three-dimensions": ("uint8", batch_of_2, "[2, 8, 8, 3]"),
    "edgetpu.integer-ends": ("uint8", lambda d: d.become("float32"), "float32 [1, 8, 8, 3]"),
    "edgetpu.on-chip": ("uint8", heavy, "8.0 MB of weights"),
    "edgetpu.operator-versions": ("uint8", new_version, "QUANTIZE version 3"),
    "edgetpu.not-compiled": ("uint8", lambda d: d.rename("LOGISTIC", "edgetpu-custom-op"), "edgetpu-custom-op"),
    "pi.float32": ("uint8", lambda d: d.become("float32"), "1 operators have float32 weights"),
    "pi.float16": ("float32", half_weights, "1 float16 constants"),
    "pi.dynamic": ("float32", dynamic_weights, "1 operators quantize as they run: FULLY_CONNECTED"),
    "pi.int16": ("uint8", int16_inside, "2 of 5 operators: FULLY_CONNECTED"),
    "pi.xnnpack-operators": ("uint8", sharp_softmax, "SOFTMAX ("),
    "pi.static-shapes": ("uint8", computed_shape, "RESHAPE ("),
    "pi.old-runtime": ("uint8", newer_runtime, "2.16.1"),
}


@pytest.mark.parametrize("rule", BREAKS)
def test_each_rule_holds_and_breaks(rule: str, holds_then_breaks: Callable[..., str]) -> None:
    kind, change, what = BREAKS[rule]
    assert what in holds_then_breaks(rule, kind, change)


def test_no_rule_is_left_out() -> None:
    rules = {rule.id for rule in (*android_gpu.RULES, *edgetpu.RULES, *pi.RULES)}
    assert set(BREAKS) | {"pi.size"} == rules


def test_a_file_too_big_for_a_small_pi(data: Path) -> None:
    facts = read_facts(data / "tiny-uint8.tflite")
    assert pi.size(facts) is None
    assert pi.size(replace(facts, size_bytes=200 * 2**20)) == "200 MiB"


def half_stored(draft: Any) -> None:
    """Weights in float16 behind a DEQUANTIZE, as the converter writes them."""
    dense = draft.operator("FULLY_CONNECTED")
    half, stored = draft.constant(np.zeros((8, 3), np.float16), "FLOAT16"), draft.rename("LOGISTIC", "DEQUANTIZE")
    stored.inputs, dense.inputs = [half], [dense.inputs[0], stored.outputs[0], dense.inputs[2]]


def test_float16_weights_are_told_once(draft: Any, report: Any) -> None:
    made = draft("float32")
    half_stored(made)
    of = report(made, "edgetpu", "pi")
    assert [finding.rule.id for finding in of.findings["edgetpu"]] == ["edgetpu.quantized", "edgetpu.integer-ends"]
    assert [finding.rule.id for finding in of.findings["pi"]] == ["pi.float16"]


def masked_slice(draft: Any) -> None:
    draft.rename("MEAN", "STRIDED_SLICE", "StridedSliceOptions", ellipsisMask=1)


def flat_paddings(draft: Any) -> None:
    operator = draft.rename("MEAN", "PAD", "PadOptions")
    operator.inputs = [operator.inputs[0], draft.constant(np.zeros((1, 2), np.int32), "INT32")]


def multiplied(draft: Any) -> None:
    operator = draft.rename(
        "MEAN", "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", depthMultiplier=2, strideW=1, strideH=1
    )
    operator.inputs = [operator.inputs[0], draft.constant(np.zeros((1, 1, 1, 6), np.int8), "INT8")]


def lopsided(draft: Any) -> None:
    operator = draft.rename("MEAN", "CONV_2D", "Conv2DOptions", dilationWFactor=2, dilationHFactor=1)
    operator.inputs = [operator.inputs[0], draft.constant(np.zeros((3, 1, 1, 3), np.int8), "INT8")]


def computed_axes(draft: Any) -> None:
    operator = draft.operator("MEAN")
    operator.inputs = [operator.inputs[0], operator.inputs[0]]


def shuffled(draft: Any) -> None:
    draft.operator("FULLY_CONNECTED").builtinOptions.weightsFormat = 1


def broad_softmax(draft: Any) -> None:
    draft.rename("LOGISTIC", "SOFTMAX", "SoftmaxOptions", beta=1.0)
    draft.graph.tensors[draft.operator("FULLY_CONNECTED").outputs[0]].shape = [1, 20_000]


def three_terms(draft: Any) -> None:
    operator = draft.rename("LOGISTIC", "ADD_N", "AddNOptions")
    operator.inputs = [operator.inputs[0]] * 3


@pytest.mark.parametrize(
    ("rule", "change", "what"),
    [
        ("android-gpu.operator-limits", masked_slice, "has ellipsisMask"),
        ("android-gpu.operator-limits", flat_paddings, "paddings [1, 2]"),
        ("android-gpu.operator-limits", multiplied, "depth multiplier 2 on 3 channels"),
        ("android-gpu.operator-limits", computed_axes, "axes are not int32 constants"),
        ("android-gpu.operator-limits", shuffled, "shuffled weights"),
        ("android-gpu.operator-limits", three_terms, "3 inputs, not 2"),
        ("edgetpu.operator-limits", masked_slice, "has ellipsisMask"),
        ("edgetpu.operator-limits", lopsided, "dilation 2 by 1"),
        ("edgetpu.operator-limits", shuffled, "shuffled weights"),
        ("edgetpu.operator-limits", broad_softmax, "input [1, 20000]"),
        ("edgetpu.static-shapes", computed_shape, "RESHAPE ("),
        ("edgetpu.quantized", int16_inside, "2 of 5 operators: FULLY_CONNECTED"),
    ],
)
def test_limits_of_options(
    rule: str, change: Callable[[Any], object], what: str, holds_then_breaks: Callable[..., str]
) -> None:
    assert what in holds_then_breaks(rule, "uint8", change)
