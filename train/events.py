"""Figures as TensorBoard reads them. It need not be installed, as it has to be for tf.summary.scalar."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from edge_tagger.convert.utf8_path import utf8_path
from edge_tagger.errors import OutputError
from edge_tagger.files import whole_file
from edge_tagger.train.keras import tf

_SCALARS = "scalars"  # TensorBoard's plugin for them


def write_scalars(folder: Path, epoch: int, figures: Mapping[str, float]) -> None:
    """Write the figures of one epoch into `folder`, in place of those that a stopped training left for the same epoch.

    Each epoch is a file of its own, in an order by name as TensorBoard goes through them. Raises OutputError.
    """
    v1 = tf.compat.v1
    metadata = v1.SummaryMetadata(plugin_data={"plugin_name": _SCALARS}, data_class="DATA_CLASS_SCALAR")
    values = [
        v1.Summary.Value(tag=name, metadata=metadata, tensor=tf.make_tensor_proto(value, tf.float32))
        for name, value in figures.items()
    ]
    now = time.time()
    events = (
        v1.Event(wall_time=now, file_version="brain.Event:2"),
        v1.Event(wall_time=now, step=epoch, summary=v1.Summary(value=values)),
    )
    path = folder / f"events.out.tfevents.{epoch:08d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as beside, utf8_path(beside) as name, tf.io.TFRecordWriter(name) as writer:
            for event in events:
                writer.write(event.SerializeToString())
    except (OSError, tf.errors.OpError) as error:
        raise OutputError(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}; choose another --tensorboard"
        ) from error
