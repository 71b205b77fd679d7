"""One training on several GPUs by tf.distribute, to the result of one device up to rounding.

Each device takes its share of every batch. What a loss divides by is summed over all of them (`total`), tf_keras sums
their gradients and keeps their batch norms in step, and what is random comes with the batch: no share sees that it is
one. Everything asks TensorFlow for the strategy in whose scope it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from edge_tagger.terminal import echo
from edge_tagger.train.keras import tf

STRATEGIES = ("none", "mirrored")


def strategy_of(name: str) -> Any:
    """The tf.distribute strategy of this name; where there are no two GPUs, "mirrored" is told to be none."""
    if name == "mirrored":
        devices = _gpus()
        if len(devices) > 1:
            return _mirrored(tuple(devices))
        echo(
            f"--strategy mirrored needs two GPUs and TensorFlow sees {len(devices) or 'none'}: "
            "training on one device, as without it",
            err=True,
        )
    return tf.distribute.get_strategy()


def on_each_share(step: Callable[..., Any], shares: tuple[Any, ...]) -> Any:
    """`step` on each device with its share (of `shared`); the sum of what the devices return. Call it in a graph."""
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1:
        return step(*shares)
    return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(step, args=shares), axis=None)


def shared(batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """A batch of tensors [B, ...], its photos shared out evenly among the devices."""
    strategy = tf.distribute.get_strategy()
    count = strategy.num_replicas_in_sync
    if count == 1:
        return batch

    def split(tensor: Any) -> Any:
        least, more = divmod(len(tensor), count)
        parts = tf.split(tensor, [least + (place < more) for place in range(count)])
        return strategy.experimental_distribute_values_from_function(lambda c: parts[c.replica_id_in_sync_group])

    shares: tuple[Any, ...] = tf.nest.map_structure(split, batch)
    return shares


def total(value: Any) -> Any:
    """The sum of a tensor over the devices that share a batch."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


@lru_cache(maxsize=1)
def _mirrored(devices: tuple[str, ...]) -> Any:
    """One for all trainings of a process: a second one's collective operations would have the names of the first's."""
    return tf.distribute.MirroredStrategy(devices)


def _gpus() -> list[str]:
    return [device.name for device in tf.config.list_logical_devices("GPU")]
