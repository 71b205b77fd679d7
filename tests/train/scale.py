"""Time and memory of a training's stages at several sizes: does a photo cost the same among 100,000 as among 1,000?

    python tests/train/scale.py 1000 10000 100000

Each size is a process of its own, on photos of 40 px that are no look-alikes of each other, 100 tags, and a small
network, so that what is measured is the way of a photo and not the products of a convolution. `peak` is the largest
resident memory in the stage, files that are mapped included; `own` is what the process holds at its end without them.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

RECIPE = """
name = "scale"
[data]
split = "split"
group = "group"
[facets.colour]
column = "colour"
[facets.details]
column = "details"
separator = "|"
[model]
backbone = "resnet10"
stages = 1
image_size = 16
[[phases]]
name = "head"
layers = "head"
views = 1
"""
TAGS = 50  # of each facet


def draw(folder: Path, photos: int) -> Path:
    """A CSV of `photos` blurred mosaics."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    with (folder / "products.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "colour", "details", "group", "split"])
        for number in range(photos):
            name = f"images/{number:06d}.jpg"
            mosaic = cv2.resize(rng.integers(0, 256, (8, 8, 3), np.uint8), (40, 40), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / name), mosaic)
            details = "|".join(f"detail {place}" for place in rng.integers(0, TAGS, 3))
            rows.writerow([name, f"colour {number % TAGS}", details, number, "val" if number % 10 == 9 else "train"])
    return folder / "products.csv"


@contextmanager
def measured(photos: int, stage: str, count: int) -> Iterator[None]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    started = time.perf_counter()
    yield
    each_us = (time.perf_counter() - started) / count * 1e6
    status = Path("/proc/self/status").read_text()
    peak, own = (int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) / 1024 for key in ("VmHWM", "RssAnon"))  # type: ignore[index]
    print(f"{photos:>7}  {stage:<34} {each_us:>12.0f} {peak:>10.0f} {own:>10.0f}", flush=True)


def main(photos: int) -> None:
    from edge_tagger.train.phases import compute_frozen, run_phase
    from edge_tagger.train.prepare import prepare
    from edge_tagger.train.recipe_file import parse_recipe
    from edge_tagger.train.resnet import build, get_weights
    from edge_tagger.train.run import RunFolder
    from edge_tagger.train.session import Places, Session

    recipe = parse_recipe(RECIPE, "scale")
    with tempfile.TemporaryDirectory(prefix="edge-tagger-scale-") as name:
        folder = Path(name)
        source = draw(folder, photos)
        with measured(photos, "nothing yet, TensorFlow is there", 1):
            weights = get_weights(build("resnet10", stages=1, image_size=16, tags=2, folded=True))
            pretrained = {name: value for name, value in weights.items() if not name.startswith("head")}
        run = RunFolder.open(folder / "run", recipe, resume=False)
        with measured(photos, "prepare: read, compare, split", photos):
            prepared = prepare(source, recipe, run, None)
        with measured(photos, "the same from the run: --resume", photos):
            prepared = prepare(source, recipe, run, None)
        session = Session(recipe, run, prepared, pretrained, Places(folder / "cache"))
        with measured(photos, "an epoch of photos, streamed", len(session.photos)):
            for _ in session.batches(32, (0,), 0, 0):
                pass
        with measured(photos, "frozen layers into the cache", photos):
            frozen = compute_frozen(session, 0, recipe.phases[0])
        with measured(photos, "the head's epoch from the cache", len(session.photos)):
            run_phase(session, 0, recipe.phases[0], frozen)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(int(sys.argv[1]))
    else:
        print(f"{'photos':>7}  {'stage':<34} {'us a photo':>12} {'peak MB':>10} {'own MB':>10}", flush=True)
        for size in sys.argv[1:]:
            subprocess.run([sys.executable, __file__, size], stderr=subprocess.DEVNULL, check=True)
