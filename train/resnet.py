"""ResNet backbones in two forms that share their weights by name.

The *normalized* form has BatchNormalization layers and is what a training from scratch needs. The *folded* form has
none: each BatchNormalization is folded into the convolution before it or, where there is none (pre-activation), into a
1x1 DepthwiseConv2D with bias. In inference both give the same outputs. The folded form is what fine-tuning,
quantization-aware training and conversion work on (TFMOT refuses a BatchNormalization that follows no convolution).
Its ReLUs are activations of the layers before them: TFMOT leaves the kernel of a convolution unquantized where a ReLU
layer follows it.

Weights travel between the forms as a flat dict, `stage1.block1.conv1.kernel` -> array, kernels HWIO.

Sources: He et al., "Deep Residual Learning" (2015) and "Identity Mappings in Deep Residual Networks" (2016, the
pre-activation form); stride on the 3x3 convolution of a bottleneck. Padding is symmetric, as in torchvision and
GluonCV. They pad the max pool with -inf, here it is padded with zeros: behind a ReLU that is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.train.backbones import BACKBONES, Backbone
from edge_tagger.train.histogram import histogram_parts
from edge_tagger.train.keras import tf, tf_keras

Weights = dict[str, NDArray[np.float32]]
EPSILON = 1e-5
_PALETTE_PX = 40


def build(  # noqa: PLR0913 (a recipe's options, by name)
    backbone: str,
    *,
    stages: int,
    image_size: int,
    tags: int,
    folded: bool,
    taps: Sequence[int] = (),
    pool: str = "mean",
    palette: int = 0,
    histogram: int = 0,
    hidden: int = 0,
    deployed: bool = False,
) -> Any:
    """A functional Keras model: float32 [B, S, S, 3], RGB 0..255 -> sigmoid scores float32 [B, tags].

    Layers carry the names of the weights. The head sees the last map, and those of the stages `taps`, pooled by their
    mean or by "mean+max", and the pixels themselves as the shares of `palette` learnt colours and of the `histogram`
    bins of edge_tagger.train.histogram: the layer "features" [B, C]. It sees them as they are and through `hidden`
    units. Logits before the sigmoid come from "head".

    In the *deployed* form each part of the features has a scale and an offset (see edge_tagger.train.deploy).
    """
    layers = _Layers(BACKBONES[backbone], folded, clipped=pool != "mean")
    pixels = tf_keras.Input((image_size, image_size, 3), name="image")
    maps = layers.backbone(pixels, stages, taps)
    x = _features(maps, pool, palette, histogram, deployed=deployed)
    if hidden:
        x = tf_keras.layers.Concatenate(name="joined")(
            [x, tf_keras.layers.Dense(hidden, activation="relu", name="hidden")(x)]
        )
    x = tf_keras.layers.Dense(tags, name="head")(x)
    scores = tf_keras.layers.Activation("sigmoid", name="scores")(x)
    return tf_keras.Model(pixels, scores, name=f"{backbone}-{'folded' if folded else 'normalized'}")


def _features(maps: Mapping[str, Any], pool: str, palette: int, histogram: int, *, deployed: bool) -> Any:
    """[B, C]: each map that the head sees, pooled in each way, the palette and the histogram, side by side."""
    mean, maximum = tf_keras.layers.GlobalAveragePooling2D, tf_keras.layers.GlobalMaxPooling2D
    tapped = [name for name in maps if name != "input"]
    if len(tapped) == 1 and pool == "mean" and not palette and not histogram:
        return mean(name="features")(maps[tapped[0]])
    pools = {}
    for name in tapped:
        pools[f"{name}.mean"] = (mean, maps[name])
        if pool == "mean+max":
            pools[f"{name}.max"] = (maximum, maps[name])
    if palette:
        whole, middle = _palette(maps["input"], palette)
        pools |= {"palette.mean": (mean, whole), "palette.middle_mean": (mean, middle)}
    parts = {name: pooling(keepdims=True, name=name)(pooled) for name, (pooling, pooled) in pools.items()}
    if histogram:
        parts |= histogram_parts(maps["input"], histogram)
    if deployed:
        parts = {
            name: tf_keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones", name=f"{name}.scale")(part)
            for name, part in parts.items()
        }
    joined = tf_keras.layers.Concatenate(name="parts")(list(parts.values()))
    return tf_keras.layers.Flatten(name="features")(joined)


def _palette(pixels: Any, colours: int) -> tuple[Any, Any]:
    """[B, h, w, colours] of the whole photo and of its middle, whose means tell how much there is of each learnt
    colour. Two 1x1 convolutions make soft bins of colour, as a histogram has, of the photo at about 40 px: what a
    ResNet forgets on its way."""
    size = pixels.shape[1]
    x = tf_keras.layers.AveragePooling2D(max(1, size // _PALETTE_PX), name="palette.pixels")(pixels)
    for place, filters in enumerate((max(colours // 2, 1), colours), 1):
        x = tf_keras.layers.Conv2D(
            filters, 1, activation="relu", kernel_initializer="he_normal", name=f"palette.conv{place}"
        )(x)
    return x, tf_keras.layers.Cropping2D(x.shape[1] // 4, name="palette.middle")(x)


class _Layers:
    """Builds one form of one backbone, layer by layer. `clipped`: pooled maps end in a ReLU6, which bounds the maxima
    that int8 has to hold beside means a tenth of their size."""

    def __init__(self, backbone: Backbone, folded: bool, *, clipped: bool) -> None:
        self.spec, self.folded, self.clipped = backbone, folded, clipped

    def backbone(self, pixels: Any, stages: int, taps: Sequence[int]) -> dict[str, Any]:
        """Name -> map of the normalized pixels ("input"), each stage in `taps` and the last ("final")."""
        spec = self.spec
        x = self.affine(pixels, "input")
        maps = {"input": x}
        x = self.conv(x, "stem.conv", spec.stem_width, spec.stem_kernel, 2, norm="stem.norm", relu=True)
        if spec.stem_kernel == 7:
            x = tf_keras.layers.ZeroPadding2D(1, name="stem.pool_pad")(x)
            x = tf_keras.layers.MaxPooling2D(3, 2, name="stem.pool")(x)
        post_activation = self.bottleneck if spec.bottleneck else self.block
        block = self.preactivation_block if spec.preactivation else post_activation
        for stage in range(stages):
            for number in range(spec.blocks[stage]):
                stride = 2 if number == 0 and stage > 0 else 1
                x = block(x, f"stage{stage + 1}.block{number + 1}", stage, stride, first=number == 0)
            if stage + 1 in taps:
                maps[f"tap{stage + 1}"] = self.norm_relu(x, f"tap{stage + 1}", clipped=self.clipped)
        if spec.preactivation or taps or self.clipped:
            x = self.norm_relu(x, "final_norm", clipped=self.clipped)
        return {**maps, "final": x}

    def preactivation_block(self, x: Any, name: str, stage: int, stride: int, *, first: bool) -> Any:
        width, out = self.spec.widths[stage], self.spec.channels(stage)
        a = self.norm_relu(x, f"{name}.norm1")
        shortcut = self.conv(a, f"{name}.shortcut", out, 1, stride) if first else x
        y = self.conv(a, f"{name}.conv1", width, 1, 1, norm=f"{name}.norm2", relu=True)
        y = self.conv(y, f"{name}.conv2", width, 3, stride, norm=f"{name}.norm3", relu=True)
        y = self.conv(y, f"{name}.conv3", out, 1, 1)
        return tf_keras.layers.Add(name=f"{name}.add")([shortcut, y])

    def block(self, x: Any, name: str, stage: int, stride: int, *, first: bool) -> Any:
        width = self.spec.widths[stage]
        shortcut = self.shortcut(x, name, stage, stride, first=first)
        y = self.conv(x, f"{name}.conv1", width, 3, stride, norm=f"{name}.norm1", relu=True)
        y = self.conv(y, f"{name}.conv2", width, 3, 1, norm=f"{name}.norm2")
        return self.add_relu(shortcut, y, name)

    def bottleneck(self, x: Any, name: str, stage: int, stride: int, *, first: bool) -> Any:
        width = self.spec.widths[stage]
        shortcut = self.shortcut(x, name, stage, stride, first=first)
        y = self.conv(x, f"{name}.conv1", width, 1, 1, norm=f"{name}.norm1", relu=True)
        y = self.conv(y, f"{name}.conv2", width, 3, stride, norm=f"{name}.norm2", relu=True)
        y = self.conv(y, f"{name}.conv3", self.spec.channels(stage), 1, 1, norm=f"{name}.norm3")
        return self.add_relu(shortcut, y, name)

    def shortcut(self, x: Any, name: str, stage: int, stride: int, *, first: bool) -> Any:
        out = self.spec.channels(stage)
        if first and (stride > 1 or x.shape[-1] != out):
            return self.conv(x, f"{name}.shortcut", out, 1, stride, norm=f"{name}.shortcut_norm")
        return x

    def add_relu(self, shortcut: Any, y: Any, name: str) -> Any:
        y = tf_keras.layers.Add(name=f"{name}.add")([shortcut, y])
        return tf_keras.layers.ReLU(name=f"{name}.relu")(y)

    def conv(
        self, x: Any, name: str, filters: int, kernel: int, stride: int, *, norm: str | None = None, relu: bool = False
    ) -> Any:
        """Convolution with the symmetric padding of the published weights, its norm (folded: a bias) and ReLU."""
        symmetric = kernel > 1 and stride > 1
        if symmetric:
            x = tf_keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
        x = tf_keras.layers.Conv2D(
            filters,
            kernel,
            stride,
            padding="valid" if symmetric else "same",
            activation="relu" if relu and self.folded else None,
            use_bias=self.folded and norm is not None,
            kernel_initializer="he_normal",
            name=name,
        )(x)
        return x if norm is None or self.folded else self.batch_norm(x, norm, relu=relu)

    def norm_relu(self, x: Any, name: str, *, clipped: bool = False) -> Any:
        """A norm that follows no convolution, and ReLU or ReLU6."""
        if self.folded:
            return self.affine(x, name, activation="relu6" if clipped else "relu")
        return self.batch_norm(x, name, relu=True, clipped=clipped)

    def affine(self, x: Any, name: str, *, activation: str | None = None) -> Any:
        """A scale and an offset for each channel, in a layer that TFMOT can quantize."""
        return tf_keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones", activation=activation, name=name)(x)

    def batch_norm(self, x: Any, name: str, *, relu: bool, clipped: bool = False) -> Any:
        in_step = tf.distribute.has_strategy()  # statistics over the whole batch where devices share it
        x = tf_keras.layers.BatchNormalization(epsilon=EPSILON, momentum=0.9, synchronized=in_step, name=name)(x)
        return tf_keras.layers.ReLU(6.0 if clipped else None, name=f"{name}.relu")(x) if relu else x


def weight_shapes(backbone: str, *, stages: int, folded: bool) -> dict[str, tuple[int, ...]]:
    """Name -> shape of one form's weights, without the head's."""
    model = build(backbone, stages=stages, image_size=32, tags=1, folded=folded)
    return {
        f"{layer.name}.{_short(variable.name)}": tuple(variable.shape)
        for layer in model.layers
        if layer.name != "head"
        for variable in layer.weights
    }


def get_weights(model: Any) -> Weights:
    """The weights of either form, by name."""
    return {
        f"{layer.name}.{_short(variable.name)}": value
        for layer in model.layers
        for variable, value in zip(layer.weights, layer.get_weights(), strict=True)
    }


def set_weights(model: Any, weights: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """Copy into the model each of `weights` that it has a place for; returns the model's own names that got none."""
    missing = []
    for layer in model.layers:
        names = [f"{layer.name}.{_short(variable.name)}" for variable in layer.weights]
        if names and all(name in weights for name in names):
            layer.set_weights([weights[name] for name in names])
        else:
            missing += names
    return missing


def fold(weights: Weights, backbone: str) -> Weights:
    """Weights of the normalized form as those of the folded form."""
    spec = BACKBONES[backbone]
    folded = {name: value for name, value in weights.items() if ".norm" not in name and "_norm." not in name}
    norms = {name.rsplit(".", 1)[0] for name in weights if name.endswith(".moving_mean")}
    for norm in sorted(norms):
        scale, offset = _scale_offset(weights, norm)
        conv = _conv_before(norm, spec.preactivation)
        if conv is None:
            folded[f"{norm}.depthwise_kernel"] = scale.reshape(1, 1, -1, 1)
            folded[f"{norm}.bias"] = offset
        else:
            folded[f"{conv}.kernel"] = weights[f"{conv}.kernel"] * scale
            folded[f"{conv}.bias"] = offset
    return folded


def _scale_offset(weights: Weights, norm: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scale = weights[f"{norm}.gamma"] / np.sqrt(weights[f"{norm}.moving_variance"] + np.float32(EPSILON))
    return scale, weights[f"{norm}.beta"] - weights[f"{norm}.moving_mean"] * scale


def _conv_before(norm: str, preactivation: bool) -> str | None:
    """The convolution that a norm follows, or None where it stands alone."""
    owner, _, last = norm.rpartition(".")
    if last == "norm":
        return f"{owner}.conv"
    if last == "shortcut_norm":
        return f"{owner}.shortcut"
    if not owner or (preactivation and last == "norm1"):
        return None
    return f"{owner}.conv{int(last.removeprefix('norm')) - (1 if preactivation else 0)}"


def _short(variable: str) -> str:
    return variable.rsplit("/", maxsplit=1)[-1].partition(":")[0]
