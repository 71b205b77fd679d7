"""One stretch of gradient descent that can be stopped at any step and continued to the same result, bit for bit."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_tagger.errors import RunError
from edge_tagger.progress import Progress
from edge_tagger.train.checkpoint import load_checkpoint, read_counters, save_checkpoint
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.replicas import on_each_share, shared

CHECKPOINT_EVERY_S = 120.0


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: learning rate with linear warm-up over a share of the steps, then half a cosine to 0."""

    steps_per_epoch: int
    total_steps: int
    learning_rate: float
    warmup: float = 0.05
    weight_decay: float = 0.0
    average: float = 0.0  # decay of a moving average of the variables, which stands in for them at the end; 0: none

    def rate(self) -> Any:
        """Maps a step to its learning rate."""
        warmup_steps = max(1, round(self.warmup * self.total_steps))
        return tf_keras.optimizers.schedules.CosineDecay(
            0.0, max(1, self.total_steps - warmup_steps), warmup_target=self.learning_rate, warmup_steps=warmup_steps
        )

    def rate_in(self, epoch: int) -> float:
        """The learning rate in the middle of an epoch."""
        return float(self.rate()((epoch + 0.5) * self.steps_per_epoch))

    def optimizer(self) -> Any:
        """AdamW (Loshchilov and Hutter, 2019)."""
        optimizer = tf_keras.optimizers.AdamW(self.rate(), weight_decay=self.weight_decay, jit_compile=False)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer


def fit(
    name: str,
    *,
    loss: Callable[..., Any],
    variables: Sequence[Any],
    state: Sequence[Any],
    batches: Callable[[int, int], Iterable[tuple[Any, ...]]],
    schedule: Schedule,
    checkpoint: Path,
    after_step: Callable[[], None] = lambda: None,
    after_epoch: Callable[[int, float], None] = lambda _epoch, _loss: None,
) -> None:
    """Minimize `loss(*batch)` over `variables`; continue from `checkpoint` where there is one.

    `state` are all variables that a step may change, besides the optimizer's. `batches(epoch, first_step)` gives the
    rest of an epoch, tensors [B, ...], which the devices of a tf.distribute strategy share in its scope.
    `after_epoch(epoch, mean_loss)` validates and logs, on averaged weights where there are such. Ctrl-C finishes the
    step, saves and raises KeyboardInterrupt. Raises RunError where the loss is not a number; the last checkpoint stays.
    """
    optimizer = schedule.optimizer()
    optimizer.build(variables)
    average = Average(variables, schedule.average)
    everything = [*state, *optimizer.variables, *average.variables]
    counters = {"step": 0, "loss_sum": 0.0}
    if checkpoint.exists():
        counters = load_checkpoint(checkpoint, everything)
    step, loss_sum = int(counters["step"]), float(counters["loss_sum"])

    def learn(*batch: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(*batch)
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    @tf.function(reduce_retracing=True, autograph=False)
    def descend(*shares: Any) -> Any:
        return on_each_share(learn, shares)

    def save() -> None:
        _check_weights(name, variables, step)
        save_checkpoint(checkpoint, everything, {"step": step, "loss_sum": loss_sum})

    saved_at = time.monotonic()
    with Progress(schedule.total_steps, name, unit="step", initial=step) as bar, _stop_on_interrupt() as stopped:
        while step < schedule.total_steps:
            epoch, first = divmod(step, schedule.steps_per_epoch)
            for batch in batches(epoch, first):
                value = float(descend(*shared(batch)))
                after_step()
                step, loss_sum = step + 1, loss_sum + value
                average.update(step)
                _check_finite(name, value, step)
                bar.update(1, loss=value)
                if step % schedule.steps_per_epoch == 0 or step == schedule.total_steps:
                    break
                if stopped.is_set() or time.monotonic() - saved_at > CHECKPOINT_EVERY_S:
                    save()
                    saved_at = time.monotonic()
                if stopped.is_set():
                    raise KeyboardInterrupt
            _check_weights(name, variables, step)
            average.swap()
            after_epoch(epoch, loss_sum / (step - epoch * schedule.steps_per_epoch))
            if step < schedule.total_steps:
                average.swap()
            loss_sum = 0.0
            save()
            if stopped.is_set() and step < schedule.total_steps:
                raise KeyboardInterrupt


class Average:
    """An exponential moving average of variables, its decay rising from 0 to what it is to be (as an average of all
    steps does): Polyak and Juditsky, 1992; Tarvainen and Valpola, "Mean teachers", 2017."""

    def __init__(self, variables: Sequence[Any], decay: float) -> None:
        self.pairs = [(v, tf.Variable(v, trainable=False, name=f"average_{n}")) for n, v in enumerate(variables)]
        self.pairs = self.pairs if decay else []
        self.decay = decay

    @property
    def variables(self) -> list[Any]:
        return [own for _, own in self.pairs]

    def update(self, step: int) -> None:
        """Take in the variables after this many steps."""
        self._update(tf.constant(1 - min(self.decay, (1 + step) / (10 + step)), tf.float32))

    def swap(self) -> None:
        """Exchange the variables' values and their averages."""
        for variable, own in self.pairs:
            value = variable.value() + 0
            variable.assign(own)
            own.assign(value)

    @tf.function(autograph=False)
    def _update(self, share: Any) -> None:
        for variable, own in self.pairs:
            own.assign_add((variable - own) * share)


def finished_steps(checkpoint: Path) -> int:
    """How many steps a phase has done, by its checkpoint; 0 without one. Raises RunError for a broken one."""
    return int(read_counters(checkpoint)["step"]) if checkpoint.exists() else 0


def _check_finite(name: str, loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise _diverged(f"the loss of phase {name!r} is {loss} at step {step}")


def _check_weights(name: str, variables: Sequence[Any], step: int) -> None:
    """The last step of an epoch can break what its own loss did not show."""
    if not all(np.isfinite(variable.numpy()).all() for variable in variables):
        raise _diverged(f"weights of phase {name!r} are not finite after step {step}")


def _diverged(what: str) -> RunError:
    return RunError(
        f"{what}; the last checkpoint is kept; lower the learning rate in the recipe and begin with another --out"
    )


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; a second one interrupts at once. Only the main thread can listen."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return

    def on_interrupt(_signal: int, _frame: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
