"""Where the error of a quantized file enters: its layers beside those of the float32 file, on photos.

The ratio of signal to quantization noise is 10 log10(sum x^2 / sum (x - q)^2) in decibels: 40 dB is an error of 1 %,
20 dB of 10 %, 0 dB as large as the signal (Bennett, "Spectra of quantized signals", 1948).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tagger.convert.check.facts import OperatorFacts, facts_of
from edge_tagger.convert.sources import QAT, Source
from edge_tagger.convert.writer import make
from edge_tagger.images import Pixels
from edge_tagger.interpreter import activations
from edge_tagger.manifest import read_manifest
from edge_tagger.table import table

PHOTOS = 16
_LOST_DB = 6.0  # half the precision of what came in
_POOR_DB = 20.0
_EXACT_DB = 50.0  # 0.3 %: what is lost above that does not matter


@dataclass(frozen=True)
class LayerNoise:
    """`ratio_db` of a layer's output, and `lost_db`, by how much that is worse than the worst of what came in."""

    layer: str
    operator: str
    ratio_db: float
    lost_db: float


def layer_noise(float32: bytes, quantized: bytes, photos: Pixels) -> list[LayerNoise]:
    """Each layer that both files have, the one that loses most first. `photos` uint8 [n, S, S, 3]."""
    layers = [operator for operator in facts_of("the quantized model", quantized).operators if operator.outputs]
    signal: dict[str, float] = {}
    noise: dict[str, float] = {}
    for wanted, found in zip(activations(float32, photos), activations(quantized, photos), strict=True):
        known = {_layer(name): value for name, value in wanted.items()}
        for operator in layers:
            output = operator.outputs[0].name
            exact, got = known.get(_layer(output)), found.get(output)
            if exact is not None and got is not None and exact.shape == got.shape:
                signal[output] = signal.get(output, 0.0) + float((exact.astype(np.float64) ** 2).sum())
                noise[output] = noise.get(output, 0.0) + float(((exact.astype(np.float64) - got) ** 2).sum())
    ratios = {name: 10 * np.log10(max(signal[name], 1e-12) / max(noise[name], 1e-12)) for name in signal}
    return sorted(_lost(layers, ratios), key=lambda each: -each.lost_db)


def advice(found: Sequence[LayerNoise]) -> list[str]:
    """Lines that say what to do about the layers that lose most."""
    worst = [each for each in found if each.lost_db >= _LOST_DB and each.ratio_db < _POOR_DB]
    if not worst:
        return [
            "no layer loses half of its precision and ends below 20 dB: more quantization-aware training would help all"
        ]
    named = ", ".join(each.layer for each in worst[:5])
    return [
        f"the error enters at {named}",
        "keep these in float (end the int8 part before them), or train them with quantization in mind (more [quantize] "
        "steps in a recipe)",
    ]


def describe_layers(source: Source, files: Mapping[str, bytes], photos: Pixels) -> Iterator[str]:
    """Lines on each quantized file of `files` (format -> bytes): its worst layers, and what to do about them."""
    quantized = {kind: data for kind, data in files.items() if kind not in ("float32", "float16")}
    if not quantized:
        yield "--layers: float files have no quantization error"
        return
    float32 = files.get("float32") or make(source, "float32")[0]
    for kind, data in quantized.items():
        found = layer_noise(float32, data, photos[:PHOTOS])
        yield f"{kind}: where the error enters ({len(found)} layers, {min(PHOTOS, len(photos))} photos)"
        if kind == "int8" and read_manifest(data).provenance.get("quantized") == QAT:
            yield "quantization-aware training has moved the weights: part of this is not error but what it learnt"
        yield ""
        yield from (*_lines(found), "", *advice(found))


def _lines(found: Sequence[LayerNoise], *, shown: int = 15) -> list[str]:
    """The worst layers as lines of a table."""
    rows = [(each.layer, each.operator, f"{each.ratio_db:.1f}", f"{each.lost_db:.1f}") for each in found[:shown]]
    return table([("layer", "operator", "signal/noise dB", "lost here dB"), *rows], left=2)


def _lost(layers: Sequence[OperatorFacts], ratios: Mapping[str, float]) -> Iterator[LayerNoise]:
    """Follows operators that the float file lacks (QUANTIZE, PAD folded elsewhere) back to a layer with a ratio."""
    reached: dict[str, float] = {}
    for operator in layers:
        output = operator.outputs[0].name
        arrived = min((reached[tensor.name] for tensor in operator.inputs if tensor.name in reached), default=np.inf)
        reached[output] = ratios.get(output, arrived)
        if output in ratios:
            lost = 0.0 if np.isinf(arrived) else max(0.0, min(arrived, _EXACT_DB) - min(ratios[output], _EXACT_DB))
            yield LayerNoise(_layer(output), operator.name, float(ratios[output]), float(lost))


def _layer(tensor: str) -> str:
    """`model/quant_stage1/Relu;model/...` -> `model/stage1/Relu`: QAT prefixes layers, the converter joins names."""
    return re.sub(r"(^|/)quant_", r"\1", tensor.split(";", 1)[0])
