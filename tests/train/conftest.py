from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

HEAD = """
name = "head-tagger"
[data]
split = "split"
[facets.category]
levels = ["department", "type"]
[facets.colour]
column = "colour"
[model]
backbone = "resnet10"
stages = 2
image_size = 32
[quantize]
calibration_photos = 16
[[phases]]
name = "head"
layers = "head"
views = 3
batch_size = 16
"""


@pytest.fixture(scope="session")
def to_tflite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, str], bytes]:
    """Converts a Keras model as `edge-tagger convert` does: (model, "float32" | "float16" | "int8") -> flatbuffer."""
    from edge_tagger.convert.lite import flatbuffer
    from edge_tagger.train.export import export

    def convert(model: Any, kind: str) -> bytes:
        folder = tmp_path_factory.mktemp(kind)
        export(model, folder / model.name)
        io = "uint8" if kind == "int8" else "float32"
        return flatbuffer(folder / model.name, kind, io=io, representative=None)

    return convert


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of two stages of a small ResNet."""
    from edge_tagger.train.keras import tf_keras
    from edge_tagger.train.resnet import build, get_weights
    from edge_tagger.train.weights import save_weights

    tf_keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(path, get_weights(build("resnet10", folded=False, stages=2, image_size=32, tags=2)))
    return path


@pytest.fixture
def ctrl_c_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], AbstractContextManager[None]]:
    """`with ctrl_c_at(5):` interrupts a training at its fifth step, phases counted on."""
    from edge_tagger.train import fit

    @contextmanager
    def interrupted(stop_after: int) -> Iterator[None]:
        steps = 0

        class Interrupting(fit.Progress):
            def update(self, count: int = 1, **notes: float | str) -> None:
                nonlocal steps
                super().update(count, **notes)
                steps += count
                if steps == stop_after:
                    os.kill(os.getpid(), signal.SIGINT)

        with monkeypatch.context() as patched:
            patched.setattr(fit, "Progress", Interrupting)
            with pytest.raises(KeyboardInterrupt):
                yield

    return interrupted


@pytest.fixture(scope="session")
def head_recipe() -> Any:
    """A recipe that trains only the head, for `drawn` and `pretrained`."""
    from edge_tagger.train.recipe_file import parse_recipe

    return parse_recipe(HEAD, "head")
