"""A trained model as a self-contained SavedModel, which is all that convert needs of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_tagger.convert.utf8_path import utf8_path
from edge_tagger.errors import OutputError
from edge_tagger.files import whole_folder
from edge_tagger.train.keras import tf


def export(model: Any, folder: Path) -> None:
    """Write `model` with one signature, float32 "image" [1, S, S, 3] in 0..255 -> "scores" [1, N].

    Raises OutputError; a folder that cannot be written wholly is not there.
    """
    size = model.input_shape[1]

    @tf.function(input_signature=[tf.TensorSpec((1, size, size, 3), tf.float32, name="image")], autograph=False)
    def serve(image: Any) -> dict[str, Any]:
        return {"scores": model(image, training=False)}

    module = tf.Module()
    module.model = model  # holds the variables that the signature captures
    with whole_folder(folder) as beside, utf8_path(beside) as path:
        try:
            tf.saved_model.save(module, path, signatures={"serving_default": serve})
        except tf.errors.OpError as error:  # TensorFlow's own file system does not raise OSError
            raise OutputError(f"cannot write {folder}: {error.message}; nothing was left behind") from error
