"""The backbones that a recipe can name. No TensorFlow here, so that a recipe is checked without it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backbone:
    """A ResNet: blocks and widths of each stage, and the pixel statistics that its weights expect (of RGB in 0..1)."""

    preactivation: bool
    bottleneck: bool
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    stem_kernel: int
    stem_width: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def channels(self, stage: int) -> int:
        """Channels that stage (0-based) puts out."""
        return self.widths[stage] * (4 if self.bottleneck else 1)


BACKBONES: dict[str, Backbone] = {
    # Small enough to learn drawn products from nothing in minutes on two cores.
    "resnet10": Backbone(
        preactivation=False,
        bottleneck=False,
        blocks=(1, 1, 1, 1),
        widths=(24, 48, 96, 160),
        stem_kernel=3,
        stem_width=24,
    ),
    # He et al. 2016; weights as published by GluonCV (resnet50_v2).
    "resnet50v2": Backbone(
        preactivation=True,
        bottleneck=True,
        blocks=(3, 4, 6, 3),
        widths=(64, 128, 256, 512),
        stem_kernel=7,
        stem_width=64,
    ),
}
