"""CSV, WEIGHTS, OUT: trains on one device (OUT/none), and on two that share each batch, with a stop (OUT/mirrored).

A process of its own, as TensorFlow's devices are fixed when it starts: here the CPU as two.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from edge_tagger.train import finetune, fit, replicas
from edge_tagger.train.keras import tf
from edge_tagger.train.recipe_file import parse_recipe

COMMON = """
name = "shared"
[data]
split = "split"
[facets.category]
levels = ["department", "type"]
[facets.colour]
column = "colour"
[model]
backbone = "resnet10"
stages = 1
image_size = 16
[loss]
siblings = 0.01
"""
# Batches of 15 photos, which two devices cannot share evenly.
WHOLE = COMMON + '[[phases]]\nname = "whole"\nlayers = "all"\nbatch_size = 15\ndropout = 0.2\naverage = 0.9\n'
PARTS = (
    COMMON
    + '[[phases]]\nname = "head"\nlayers = "head"\nbatch_size = 15\ndropout = 0.2\n'
    + '[[phases]]\nname = "more"\nlayers = "stage1"\nbatch_size = 15\naverage = 0.9\n'
)


class Interrupting(fit.Progress):
    def update(self, steps: int = 1, **notes: float | str) -> None:
        super().update(steps, **notes)
        if self._done == 3:
            os.kill(os.getpid(), signal.SIGINT)


def train(source: Path, recipe: str, weights: Path | None, run: Path, **options: Any) -> None:
    finetune.train(source, parse_recipe(recipe, "test"), run, weights=weights, **options)


def main(source: Path, weights: Path, out: Path) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    replicas._gpus = lambda: ["CPU:0", "CPU:1"]  # type: ignore[assignment]
    for later in ("finish_float", "finish_quantized", "compare"):
        setattr(finetune, later, lambda *_: None)
    for name, recipe, start in (("whole", WHOLE, None), ("parts", PARTS, weights)):
        train(source, recipe, start, out / "none" / name)
        progress, fit.Progress = fit.Progress, Interrupting  # type: ignore[misc]
        try:
            train(source, recipe, start, out / "mirrored" / name, strategy="mirrored")
            raise AssertionError("was not interrupted")
        except KeyboardInterrupt:
            fit.Progress = progress  # type: ignore[misc]
        train(source, recipe, start, out / "mirrored" / name, strategy="mirrored", resume=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
