"""A .tflite to measure, by its content."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edge_tagger.errors import ModelError
from edge_tagger.interpreter import Model
from edge_tagger.manifest import Manifest, read_manifest, read_model
from edge_tagger.runtimes import find_runtime


@dataclass(frozen=True, eq=False)
class ModelFile:
    """`remote_name` is what it is called on devices: the same for the same content, so that it is sent once."""

    path: Path
    sha256: str
    size_bytes: int

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ModelFile:
        """Raises ModelError where it cannot be read, is damaged, or would crash or hang what runs it."""
        data = read_model(path)
        find_runtime().rehearse(os.fspath(path), data, must_run=False)
        return cls(Path(path), hashlib.sha256(data).hexdigest(), len(data))

    @property
    def remote_name(self) -> str:
        return f"{self.sha256[:16]}.tflite"

    @cached_property
    def classifier(self) -> Model | ModelError:
        """The model on this machine, or why it is no classifier: any other .tflite can be measured all the same."""
        try:
            return Model(self.path)
        except ModelError as error:
            return error

    @cached_property
    def manifest(self) -> Manifest | ModelError:
        try:
            return read_manifest(self.path)
        except ModelError as error:
            return error
