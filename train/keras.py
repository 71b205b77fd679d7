"""Keras 2, the one that TFMOT works on. Import TensorFlow and Keras from here, so that the flag is always set first."""

from __future__ import annotations

import os

from edge_tagger.convert.quiet import quiet
from edge_tagger.errors import MissingExtraError

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    with quiet():
        import tensorflow as tf
        import tensorflow_model_optimization as tfmot
        import tf_keras
except ImportError as error:
    raise MissingExtraError(
        f"training needs TensorFlow, tf-keras and tensorflow-model-optimization ({error}); "
        'install them with: pip install "edge-tagger[train]"'
    ) from error

__all__ = ["tf", "tf_keras", "tfmot"]
