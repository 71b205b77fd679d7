"""A model cut in two where learning begins, so that what is frozen is computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.recipe import SECOND_HEAD

_WITH_HEAD = ("head", "hidden", "palette")


@dataclass(frozen=True)
class Cut:
    """`frozen`: pixels float32 [B, S, S, 3] -> a list of tensors; `learning`: that list -> the pooled features [B, C].

    They share their layers with the model that was cut.
    """

    frozen: Any
    learning: Callable[..., Any]


def learns(layer: str, layers: str) -> bool:
    """Whether a phase of these `layers` trains the layer of this name. What no pretrained weights hold, the palette and
    the hidden units, learns with the head; but the palette not with a second one, for the first reads it. The histogram
    never learns."""
    name = layer.removeprefix("quant_")
    if name.endswith(".scale"):
        return False
    if layers == SECOND_HEAD:
        return name in ("head", "hidden")
    with_head = name.startswith(_WITH_HEAD)
    if layers == "all":
        return with_head or name.startswith(("stem", "stage", "tap", "final_norm"))
    if with_head or layers == "head":
        return with_head
    first = int(layers[-1])
    return name.startswith("final_norm") or (name.startswith(("stage", "tap")) and _stage(name) >= first)


def trainable(model: Any, layers: str) -> list[Any]:
    """The variables that a phase trains; the pixels' normalization never learns."""
    return [v for layer in model.layers if learns(layer.name, layers) for v in layer.trainable_variables]


def cut(model: Any, layers: str) -> Cut:
    """`model` (of resnet.build) cut before the first layers that a phase of `layers` trains."""
    features = model.get_layer("features")
    frozen: set[str] = set()
    frontier: dict[int, Any] = {}
    for layer in model.layers:  # those before a layer stand before it
        inputs = [] if isinstance(layer, tf_keras.layers.InputLayer) else tf.nest.flatten(layer.get_input_at(0))
        sources = [tensor._keras_history.layer.name for tensor in inputs]
        if not learns(layer.name, layers) and all(source in frozen for source in sources):
            frozen.add(layer.name)
            continue
        frontier |= {id(t): t for t, source in zip(inputs, sources, strict=True) if source in frozen}
        if layer.name == features.name:
            break
    if features.name in frozen:
        return Cut(tf_keras.Model(model.input, [features.output]), lambda pooled, training=False: pooled[0])  # noqa: ARG005
    tensors = list(frontier.values())
    return Cut(tf_keras.Model(model.input, tensors), tf_keras.Model(tensors, features.output))


def _stage(name: str) -> int:
    return int(name.removeprefix("stage").removeprefix("tap")[0])
