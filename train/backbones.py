"""The backbones that a recipe can name. No TensorFlow here, so that a recipe is checked without it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HubFile:
    """Published ImageNet weights: a repository on the Hugging Face hub and a .safetensors file in it."""

    repository: str
    file: str = "model.safetensors"


@dataclass(frozen=True)
class Backbone:
    """A ResNet: blocks and widths of each stage, and the pixel statistics that its weights expect (of RGB in 0..1).

    `imagenet` is where its ImageNet weights are published in names that `read_pretrained` reads, `imagenet_advice`
    what to do where they are not.
    """

    preactivation: bool
    bottleneck: bool
    blocks: tuple[int, ...]
    widths: tuple[int, ...]
    stem_kernel: int
    stem_width: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    imagenet: HubFile | None = None
    imagenet_advice: str = "train from nothing with --weights none, or choose resnet18, resnet34 or resnet50"

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
    # He et al. 2015, as in torchvision and timm; weights of Wightman et al., "ResNet strikes back" (2021), Apache-2.0.
    "resnet18": Backbone(
        preactivation=False,
        bottleneck=False,
        blocks=(2, 2, 2, 2),
        widths=(64, 128, 256, 512),
        stem_kernel=7,
        stem_width=64,
        imagenet=HubFile("timm/resnet18.a1_in1k"),
    ),
    "resnet34": Backbone(
        preactivation=False,
        bottleneck=False,
        blocks=(3, 4, 6, 3),
        widths=(64, 128, 256, 512),
        stem_kernel=7,
        stem_width=64,
        imagenet=HubFile("timm/resnet34.a1_in1k"),
    ),
    # "v1.5": a bottleneck's stride is on its 3x3 convolution.
    "resnet50": Backbone(
        preactivation=False,
        bottleneck=True,
        blocks=(3, 4, 6, 3),
        widths=(64, 128, 256, 512),
        stem_kernel=7,
        stem_width=64,
        imagenet=HubFile("timm/resnet50.a1_in1k"),
    ),
    # He et al. 2016; weights as published by GluonCV (resnet50_v2, Apache-2.0), which the hub has only as ONNX
    # (resnet50-v2-7.onnx of the ONNX model zoo).
    "resnet50v2": Backbone(
        preactivation=True,
        bottleneck=True,
        blocks=(3, 4, 6, 3),
        widths=(64, 128, 256, 512),
        stem_kernel=7,
        stem_width=64,
        imagenet_advice="they are GluonCV's resnet50_v2 (Apache-2.0; also resnet50-v2-7.onnx of the ONNX model zoo), "
        "with the layers named as in edge_tagger.train.resnet: give them as --weights FILE.safetensors, start from "
        "a released product-tagger-float16.tflite (--weights FILE.tflite), or choose resnet50",
    ),
}
