from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger.errors import RunError
from edge_tagger.train.checkpoint import load_checkpoint, save_checkpoint
from edge_tagger.train.fit import Average, Schedule, fit
from edge_tagger.train.keras import tf

SCHEDULE = Schedule(steps_per_epoch=4, total_steps=10, learning_rate=0.1)


def descend(
    checkpoint: Path, *, stop_after: int | None = None, bad_at: int | None = None, average: float = 0.0
) -> tuple[Any, list[float]]:
    """Fit one vector to random targets; send Ctrl-C after a number of steps."""
    vector = tf.Variable(np.zeros(3, np.float32), name="vector")
    done, losses = 0, []

    def batches(epoch: int, first: int) -> Iterator[tuple[Any, ...]]:
        for step in range(first, SCHEDULE.steps_per_epoch):
            targets = np.random.default_rng((epoch, step)).normal(size=3).astype(np.float32)
            if bad_at == epoch * SCHEDULE.steps_per_epoch + step:
                targets[0] = np.nan
            yield (tf.constant(targets),)

    def after_step() -> None:
        nonlocal done
        done += 1
        if done == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    fit(
        "test",
        loss=lambda targets: tf.reduce_mean((vector - targets) ** 2),
        variables=[vector],
        state=[vector],
        batches=batches,
        schedule=replace(SCHEDULE, average=average),
        checkpoint=checkpoint,
        after_step=after_step,
        after_epoch=lambda _epoch, loss: losses.append(loss),
    )
    return vector.numpy(), losses


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("stop_after", [1, 3, 4, 7, 8])
def test_a_stopped_fit_goes_on_to_the_same_bits(tmp_path: Path, stop_after: int, average: float) -> None:
    whole, losses = descend(tmp_path / "whole.safetensors", average=average)
    with pytest.raises(KeyboardInterrupt):
        descend(tmp_path / "stopped.safetensors", stop_after=stop_after, average=average)
    resumed, rest = descend(tmp_path / "stopped.safetensors", average=average)
    np.testing.assert_array_equal(resumed, whole)
    assert rest == losses[len(losses) - len(rest) :] and len(rest) == 3 - stop_after // 4
    assert (tmp_path / "whole.safetensors").read_bytes() == (tmp_path / "stopped.safetensors").read_bytes()


def test_a_finished_fit_is_only_loaded(tmp_path: Path) -> None:
    whole, _ = descend(tmp_path / "whole.safetensors")
    again, losses = descend(tmp_path / "whole.safetensors")
    np.testing.assert_array_equal(again, whole)
    assert losses == []


def test_a_fit_ends_with_the_average_of_its_steps(tmp_path: Path) -> None:
    last, _ = descend(tmp_path / "last.safetensors")
    averaged, _ = descend(tmp_path / "averaged.safetensors", average=0.9)
    assert (averaged != last).all()
    again, losses = descend(tmp_path / "averaged.safetensors", average=0.9)  # only loaded
    np.testing.assert_array_equal(again, averaged)
    assert losses == []


def test_the_average_is_exponential_and_begins_as_that_of_all_steps() -> None:
    vector = tf.Variable([1.0])
    average, expected = Average([vector], 0.5), 1.0
    for step in range(1, 20):
        vector.assign([float(step)])
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    average.swap()
    assert vector.numpy()[0] == pytest.approx(expected) and average.variables[0].numpy()[0] == 19
    average.swap()
    assert vector.numpy()[0] == 19
    assert Average([vector], 0.0).variables == []


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="phase 'test' is nan at step 6"):
        descend(tmp_path / "kept.safetensors", bad_at=5)
    assert load_checkpoint_step(tmp_path / "kept.safetensors") == 4


def load_checkpoint_step(path: Path) -> int:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return int(json.loads(file.metadata()["counters"])["step"])


def test_a_checkpoint_of_another_model_and_a_broken_one_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", [tf.Variable([1.0], name="a")], {"step": 1})
    with pytest.raises(RunError, match="another model"):
        load_checkpoint(tmp_path / "a.safetensors", [tf.Variable([1.0], name="b")])
    (tmp_path / "a.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:40])
    with pytest.raises(RunError, match="broken"):
        load_checkpoint(tmp_path / "a.safetensors", [tf.Variable([1.0], name="a")])
