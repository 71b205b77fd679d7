from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def to_tflite(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, str], bytes]:
    """Converts a Keras model as `edge-tagger convert` does: (model, "float32" | "float16" | "int8") -> flatbuffer."""
    from edge_tagger.convert import writer
    from edge_tagger.train.export import export

    def convert(model: Any, kind: str) -> bytes:
        folder = tmp_path_factory.mktemp(kind)
        export(model, folder / model.name)
        return writer._convert(folder / model.name, kind, None)

    return convert
