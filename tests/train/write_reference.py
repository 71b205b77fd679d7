"""Writes what tests/train/test_reference.py reads; .ci/reference runs it where torch, torchvision and timm are.

For each backbone a folder with `weights.safetensors`, random weights as timm names them, and `outputs.safetensors`:
"pixels" [2, S, S, 3] and for each number of stages the pooled output that timm and torchvision agree on.
"""

import sys
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import save_file

SIZE = 97  # odd, so that a padding on the wrong side shows
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def randomize(model: torch.nn.Module) -> None:
    """Norms as training leaves them; those that are fresh would not show a mistake."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, 0.0, 0.1)
            torch.nn.init.normal_(module.running_mean, 0.0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)


def pooled(model: torch.nn.Module, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """[2, C] after each stage, of a ResNet of either library."""
    outputs = {}
    for stage in range(1, 5):
        model.get_submodule(f"layer{stage}").register_forward_hook(
            lambda _module, _inputs, output, stage=stage: outputs.__setitem__(f"stages{stage}", output.mean((2, 3)))
        )
    model.eval()(((pixels / 255 - MEAN) / STD).permute(0, 3, 1, 2))
    return outputs


def main(folder: Path) -> None:
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}")
    pixels = torch.randint(0, 256, (2, SIZE, SIZE, 3)).float()
    for backbone in ("resnet18", "resnet34", "resnet50"):
        model = timm.create_model(backbone, pretrained=False)
        randomize(model)
        other = torchvision.models.get_model(backbone, weights=None)
        other.load_state_dict(model.state_dict())
        with torch.inference_mode():
            outputs, others = pooled(model, pixels), pooled(other, pixels)
        for name, value in outputs.items():
            torch.testing.assert_close(others[name], value)
        (folder / backbone).mkdir(parents=True)
        save_file(model.state_dict(), folder / backbone / "weights.safetensors")
        save_file({"pixels": pixels, **outputs}, folder / backbone / "outputs.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
