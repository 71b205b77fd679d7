"""One phase of a recipe: the layers that learn, on photos or on what the frozen layers before them put out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_tagger.errors import RunError
from edge_tagger.terminal import echo
from edge_tagger.train.cut import Cut, cut, trainable
from edge_tagger.train.deploy import parts_of
from edge_tagger.train.fit import Schedule, finished_steps, fit
from edge_tagger.train.frozen import FrozenOutputs
from edge_tagger.train.head import StandardizedHead
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.kernel import KernelTeacher
from edge_tagger.train.losses import make_loss, masked_binary_crossentropy
from edge_tagger.train.mixup import mixed, mixup_shares
from edge_tagger.train.recipe import SECOND_HEAD, Phase
from edge_tagger.train.second_head import put_beside, take_head
from edge_tagger.train.session import Logits, Session

Batches = Callable[[int, int], Iterator[tuple[Any, ...]]]


@dataclass(frozen=True)
class Frozen:
    """What the frozen layers of a phase put out for either split, beside the layers that learn from it."""

    parts: Cut
    training: FrozenOutputs
    validation: FrozenOutputs


@dataclass(frozen=True)
class _Material:
    """What a phase learns from: `features` maps a batch's tensors to pooled features [B, C]; `batches(epoch,
    first_step)` gives (tensors, targets); `logits()` those of the validation split."""

    features: Callable[..., Any]
    batches: Batches
    logits: Callable[[], Logits]


def run_phase(session: Session, number: int, phase: Phase, frozen: Frozen | None = None) -> None:
    """Train the layers of one phase; where it has been done, only take its result.

    `frozen` is what compute_frozen gave, where another training from the same layers has asked for it already.
    """
    total_steps = phase_schedule(phase, len(session.photos)).total_steps
    names = [phase.name, *(f"{phase.name}-{member + 1}" for member in range(1, phase.members))]
    unfinished = [name for name in names if finished_steps(session.run.checkpoint(name)) < total_steps]
    if frozen is None and unfinished:  # else only checkpoints will be read
        frozen = compute_frozen(session, number, phase)
    kept = None
    if phase.layers == SECOND_HEAD:
        heads = sum(later.layers == SECOND_HEAD for later in session.recipe.phases[number:])
        kept = take_head(session.model, session.recipe.seed, session.log_odds(), heads=heads)
    teacher = _teacher(session, phase, frozen) if unfinished and phase.teacher != "labels" else None
    start = session.model.get_weights()
    ends = []
    for member, name in enumerate(names):
        session.model.set_weights(start)
        _run_member(session, name, phase, frozen, teacher, seed=(session.recipe.seed, number, member))
        ends.append(session.model.get_weights())
    session.model.set_weights([np.mean(weights, axis=0) for weights in zip(*ends, strict=True)])
    if kept is not None:
        put_beside(session.model, kept)


def _run_member(
    session: Session,
    name: str,
    phase: Phase,
    frozen: Frozen | None,
    teacher: KernelTeacher | None,
    seed: tuple[int, int, int],
) -> None:
    """Train the layers of a phase from where the model is; shuffling, views and dropout are drawn by `seed`."""
    head = StandardizedHead(session.model)
    schedule = phase_schedule(phase, len(session.photos))
    checkpoint = session.run.checkpoint(name)
    if session.folded and not checkpoint.exists():
        head.begin(session.pooled_representative())
    material = _streamed(session, phase, head, seed) if frozen is None else _cached(session, phase, head, frozen, seed)
    criterion = make_loss(session.recipe.loss, session.taxonomy, session.photos.targets)

    def loss(tensors: Any, targets: Any, dropout: Any, *shares: Any) -> Any:
        inputs = tf.nest.map_structure(lambda tensor: tf.cast(tensor, tf.float32), tensors)
        features = material.features(inputs, training=not session.folded)
        if shares:
            features, targets = mixed(features, targets, *shares)
        if teacher is not None:
            return masked_binary_crossentropy(teacher(features), head(features, dropout))
        return criterion(targets, head(features, dropout))

    dropout_seed = int(np.random.default_rng(seed).integers(2**31))

    def batches(epoch: int, first_step: int) -> Iterator[tuple[Any, ...]]:
        steps = enumerate(material.batches(epoch, first_step), epoch * schedule.steps_per_epoch + first_step)
        for step, (tensors, targets) in steps:
            ones = tf.ones((len(targets), head.width))
            dropout = tf.nn.experimental.stateless_dropout(ones, phase.dropout, (dropout_seed, step))
            yield tensors, targets, dropout, *mixup_shares(phase.mixup, len(targets), (*seed, step))

    fit(
        name,
        loss=loss,
        variables=trainable(session.model, phase.layers),
        state=[*session.model.weights, *head.state],
        batches=batches,
        schedule=schedule,
        checkpoint=checkpoint,
        after_epoch=lambda epoch, value: session.log(name, epoch, value, material.logits(), schedule),
    )
    head.end()


def phase_schedule(phase: Phase, photos: int) -> Schedule:
    steps = max(1, photos // phase.batch_size)
    return Schedule(
        steps, steps * phase.epochs, phase.learning_rate, phase.warmup, phase.weight_decay, average=phase.average
    )


def compute_frozen(session: Session, number: int, phase: Phase) -> Frozen | None:
    """Compute the layers before those that learn, or find what they put out in the cache; None where nothing is frozen,
    the phase asks for no views, or not one fits into its cache."""
    if phase.layers == "all" or not session.folded or not phase.views:
        return None
    parts = cut(session.model, phase.layers)
    training = FrozenOutputs(
        parts.frozen,
        session.photos,
        session.places.cache,
        views=phase.views if phase.augment else 1,
        options=session.recipe.augment if phase.augment else None,
        seed=(session.recipe.seed, number) if phase.augment else (),
    )
    validation = FrozenOutputs(parts.frozen, session.validation, session.places.cache)
    views = min(training.views, int((phase.cache_gb * 1e9 - validation.bytes_per_view) // training.bytes_per_view))
    told = f"{phase.name}: frozen outputs of {training.bytes_per_view / 1e9:.2g} GB a view"
    if views < 1:
        echo(f"{told} do not fit into cache_gb = {phase.cache_gb:g}: computed anew in each step", err=True)
        return None
    if views < training.views:
        echo(f"{told}: cache_gb = {phase.cache_gb:g} holds {views} of {training.views} views", err=True)
    training.views = views
    training.compute(f"{phase.name}: frozen layers", keep_gb=phase.cache_gb)
    validation.compute(f"{phase.name}: frozen layers, validation", keep_gb=phase.cache_gb)
    return Frozen(parts, training, validation)


def _teacher(session: Session, phase: Phase, frozen: Frozen | None) -> KernelTeacher:
    """Who answers in place of the labels, having learnt the first view of each photo."""
    if frozen is None:
        raise RunError(f"phase {phase.name!r}: the kernel that is to teach needs the cache; give cache_gb more")
    features = np.concatenate([frozen.parts.learning(t).astype(np.float32) for t in frozen.training.in_order()])
    parts = parts_of(session.model) or {"features": features.shape[1]}
    return KernelTeacher(features, session.photos.targets, parts, session.taxonomy, session.recipe.seed)


def _cached(session: Session, phase: Phase, head: StandardizedHead, frozen: Frozen, seed: tuple[int, ...]) -> _Material:
    targets, parts = session.photos.targets, frozen.parts

    def batches(epoch: int, first_step: int) -> Iterator[tuple[Any, ...]]:
        """Each photo once, in a view drawn at random. The last, partial batch is left out."""
        rng = np.random.default_rng((*seed, epoch))
        batch_size = min(phase.batch_size, len(targets))
        order, views = rng.permutation(len(targets)), rng.integers(frozen.training.views, size=len(targets))
        for start in range(first_step * batch_size, len(order) // batch_size * batch_size, batch_size):
            chosen = order[start : start + batch_size]
            yield [tf.constant(t) for t in frozen.training.rows(views[chosen], chosen)], tf.constant(targets[chosen])

    def model(tensors: Any, *, training: bool) -> Any:
        return head(parts.learning(tensors, training=training))

    return _Material(parts.learning, batches, lambda: session.validation_logits(model, frozen.validation.in_order()))


def _streamed(session: Session, phase: Phase, head: StandardizedHead, seed: tuple[int, ...]) -> _Material:
    features = tf_keras.Model(session.model.input, session.model.get_layer("features").output)

    def batches(epoch: int, first_step: int) -> Iterator[tuple[Any, ...]]:
        return session.batches(phase.batch_size, seed, epoch, first_step, augment=phase.augment)

    def model(pixels: Any, *, training: bool) -> Any:
        return head(features(pixels, training=training))

    return _Material(features, batches, lambda: session.validation_logits(model))
