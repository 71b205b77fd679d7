"""What an epoch costs: all layers, the last stage alone, and the last stage on frozen outputs that are kept on disk.

    python tests/train/prefix_cost.py [--photos 256] [--precision float32]

Drawn photos and random weights: time depends on neither. The network is that of the packaged model (resnet50v2, three
stages, 160 px). Each row is the second of two epochs: TensorFlow compiles in the first.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from pathlib import Path

from edge_tagger.train import fit
from edge_tagger.train.finetune import train
from edge_tagger.train.recipe_file import parse_recipe
from edge_tagger.train.resnet import build, get_weights
from edge_tagger.train.synthetic.catalogue import draw_catalogue
from edge_tagger.train.weights import save_weights

RECIPE = """
name = "cost"
precision = "{precision}"
[data]
split = "split"
[facets.category]
levels = ["department", "type"]
[model]
backbone = "resnet50v2"
stages = 3
image_size = 160
[quantize]
steps = 0
[[phases]]
name = "measured"
layers = "{layers}"
epochs = 2
views = {views}
"""
ROWS = {
    "all layers": ("all", 0),
    "last stage": ("stage3", 0),
    "last stage, frozen outputs on disk": ("stage3", 1),
}


def epoch_s(source: Path, weights: Path, folder: Path, layers: str, views: int, precision: str) -> float:
    """Seconds of the second epoch, by the moments at which its steps ended; validation is not in it."""
    marks: list[tuple[str, float]] = []
    original = fit.Progress

    class Marking(original):  # type: ignore[misc, valid-type]
        def update(self, count: int = 1, **notes: float | str) -> None:
            marks.append((self._label, time.monotonic()))
            super().update(count, **notes)

    fit.Progress = Marking  # type: ignore[misc]
    try:
        recipe = parse_recipe(RECIPE.format(layers=layers, views=views, precision=precision), "cost")
        with contextlib.redirect_stdout(io.StringIO()):
            train(source, recipe, folder, weights=weights)
    finally:
        fit.Progress = original  # type: ignore[misc]
    steps = [moment for label, moment in marks if label == "measured"]
    second = steps[len(steps) // 2 :]
    return (second[-1] - second[0]) / (len(second) - 1) * len(second)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = draw_catalogue(folder / "drawn", photos=options.photos, size=224)
        save_weights(
            folder / "weights.safetensors",
            get_weights(build("resnet50v2", folded=False, stages=3, image_size=160, tags=2)),
        )
        first = None
        for row, (layers, views) in ROWS.items():
            seconds = epoch_s(
                source, folder / "weights.safetensors", folder / f"{layers}{views}", layers, views, options.precision
            )
            first = first or seconds
            photos = options.photos * 0.8 // 32 * 32
            print(
                f"{row:36} {1000 * seconds / photos:6.1f} ms a photo   {seconds / first:.2f} of all layers", flush=True
            )


if __name__ == "__main__":
    main()
