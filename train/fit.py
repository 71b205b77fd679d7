"""One stretch of gradient descent that can be stopped at any step and continued to the same result, bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge_tagger.errors import RunError
from edge_tagger.progress import Progress
from edge_tagger.train.checkpoint import load_checkpoint, read_counters, save_checkpoint
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.replicas import on_each_share, shared
from edge_tagger.train.stop import Stop, stop_on_interrupt

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
    `after_epoch(epoch, mean_loss)` validates and logs, on averaged weights where there are such. Ctrl-C, and SIGTERM
    where the program handles it, finishes the step, saves and raises KeyboardInterrupt. Raises RunError where the loss
    is not a number; the last checkpoint stays.
    """
    descent = _Descent(name, loss, variables, state, schedule, checkpoint)
    with (
        Progress(schedule.total_steps, name, unit="step", initial=descent.step) as bar,
        stop_on_interrupt() as stopped,
    ):
        while descent.step < schedule.total_steps:
            epoch, first = divmod(descent.step, schedule.steps_per_epoch)
            for batch in batches(epoch, first):
                bar.update(1, loss=descent.take(batch, after_step))
                if descent.at_end_of_epoch:
                    break
                descent.save_now_and_then(stopped)
            mean_loss = descent.loss_sum / (descent.step - epoch * schedule.steps_per_epoch)
            descent.end_epoch(partial(after_epoch, epoch, mean_loss))
            if descent.step < schedule.total_steps:
                stopped.check()


class _Descent:
    """Where a stretch of gradient descent stands: variables, optimizer, average, and the steps that are done."""

    def __init__(
        self,
        name: str,
        loss: Callable[..., Any],
        variables: Sequence[Any],
        state: Sequence[Any],
        schedule: Schedule,
        checkpoint: Path,
    ) -> None:
        self.name, self.variables, self.schedule, self.checkpoint = name, variables, schedule, checkpoint
        optimizer = schedule.optimizer()
        optimizer.build(variables)
        self.average = Average(variables, schedule.average)
        self.everything = [*state, *optimizer.variables, *self.average.variables]
        counters = load_checkpoint(checkpoint, self.everything) if checkpoint.exists() else {"step": 0, "loss_sum": 0.0}
        self.step, self.loss_sum = int(counters["step"]), counters.get("loss_sum", 0.0)
        self._saved_at = time.monotonic()

        def learn(*batch: Any) -> Any:
            with tf.GradientTape() as tape:
                value = loss(*batch)
            optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
            return value

        @tf.function(reduce_retracing=True, autograph=False)
        def descend(*shares: Any) -> Any:
            return on_each_share(learn, shares)

        self._descend = descend

    @property
    def at_end_of_epoch(self) -> bool:
        return self.step % self.schedule.steps_per_epoch == 0 or self.step == self.schedule.total_steps

    def take(self, batch: tuple[Any, ...], after_step: Callable[[], None]) -> float:
        """One step; returns its loss."""
        value = float(self._descend(*shared(batch)))
        after_step()
        self.step, self.loss_sum = self.step + 1, self.loss_sum + value
        self.average.update(self.step)
        _check_finite(self.name, value, self.step)
        return value

    def save_now_and_then(self, stopped: Stop) -> None:
        """Save every two minutes, and before a stop: then it raises KeyboardInterrupt."""
        if stopped.is_asked or time.monotonic() - self._saved_at > CHECKPOINT_EVERY_S:
            self._save()
        stopped.check()

    def end_epoch(self, validate: Callable[[], None]) -> None:
        """Validate on averaged weights, which stay where this was the last epoch, and save."""
        _check_weights(self.name, self.variables, self.step)
        self.average.swap()
        validate()
        if self.step < self.schedule.total_steps:
            self.average.swap()
        self.loss_sum = 0.0
        self._save()

    def _save(self) -> None:
        _check_weights(self.name, self.variables, self.step)
        save_checkpoint(self.checkpoint, self.everything, {"step": self.step, "loss_sum": self.loss_sum})
        self._saved_at = time.monotonic()


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
