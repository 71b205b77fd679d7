"""What happens to a trained model before it is handed on: folded, calibrated, thresholds tuned, exported, quantized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edge_tagger.catalogue.labels import POSITIVE
from edge_tagger.taxonomy import Taxonomy
from edge_tagger.terminal import echo
from edge_tagger.train.calibrate import cross_fitted_errors, fit_calibration, fold_into_head
from edge_tagger.train.cut import trainable
from edge_tagger.train.export import export
from edge_tagger.train.fit import Schedule, fit
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.losses import masked_binary_crossentropy
from edge_tagger.train.quantize import hold_ranges, quantize
from edge_tagger.train.resnet import get_weights
from edge_tagger.train.session import Session, validation_figures
from edge_tagger.train.thresholds import missed, parse_target, tune_thresholds
from edge_tagger.train.weights import save_weights

QUANTIZE = "quantize"
_MAX_NAMED = 5


def finish_float(session: Session) -> None:
    """Fold the model, calibrate its head and tune thresholds on the validation split; write weights, SavedModel and
    manifest."""
    session.fold()
    model, targets, taxonomy = session.model, session.validation.targets, session.taxonomy
    head = model.get_layer("head")
    logits = session.validation_logits(tf_keras.Model(model.input, head.output))
    calibration = fit_calibration(targets, logits, taxonomy)
    kernel, bias = head.get_weights()
    head.set_weights(fold_into_head(kernel, bias, calibration))
    save_weights(session.run.path / "weights.safetensors", get_weights(model))
    session.deploy()
    export(session.model, session.run.float_model)

    calibrated = calibration.scores(logits)
    scores = taxonomy.consistent(calibrated)
    target = parse_target(session.recipe.thresholds)
    thresholds = tune_thresholds(targets, scores, target)
    short = missed(targets, scores, thresholds, target)
    _tell(short, taxonomy, f"do not hold {session.recipe.thresholds!r} on the validation split")
    absent = np.flatnonzero(~(targets == POSITIVE).any(axis=0)).tolist()
    _tell(absent, taxonomy, "have no photo in the validation split, so that their thresholds and scores are untested")
    figures = validation_figures(targets, calibrated)
    errors = cross_fitted_errors(targets, logits, taxonomy, seed=session.recipe.seed)
    session.run.write_manifest(
        replace(
            session.run.read_manifest(),
            thresholds=thresholds,
            metrics={**{f"val_{name}": value for name, value in figures.items()}, **errors},
            provenance={**session.run.read_provenance(), "thresholds": str(target)},
        )
    )


def finish_quantized(session: Session) -> None:
    """Quantization-aware distillation from the float model, and its SavedModel."""
    options, seed = session.recipe.quantize, (session.recipe.seed, len(session.recipe.phases))
    quantized = quantize(session.model, session.representative)
    if options.steps:
        teacher = tf_keras.Model(session.model.input, session.model.get_layer("scores").output)
        student = tf_keras.Model(quantized.input, quantized.get_layer("quant_head").output)

        steps_per_epoch = max(1, len(session.photos) // options.batch_size)
        schedule = Schedule(steps_per_epoch, options.steps, options.learning_rate)

        def loss(pixels: Any, _targets: Any) -> Any:
            photos = tf.cast(pixels, tf.float32)
            return masked_binary_crossentropy(teacher(photos, training=False), student(photos, training=True))

        def batches(epoch: int, first_step: int) -> Iterator[tuple[Any, ...]]:
            return session.batches(options.batch_size, seed, epoch, first_step)

        fit(
            QUANTIZE,
            loss=loss,
            variables=trainable(quantized, options.layers),
            state=quantized.weights,
            batches=batches,
            schedule=schedule,
            checkpoint=session.run.checkpoint(QUANTIZE),
            after_step=lambda: hold_ranges(quantized),
            after_epoch=lambda epoch, value: session.log(
                QUANTIZE, epoch, value, session.validation_logits(student), schedule
            ),
        )
    export(quantized, session.run.quantized_model)


def _tell(places: Sequence[int], taxonomy: Taxonomy, what: str) -> None:
    if places:
        named = ", ".join(taxonomy.tags[place].id for place in places[:_MAX_NAMED])
        more = f" and {len(places) - _MAX_NAMED} more" if len(places) > _MAX_NAMED else ""
        echo(
            f"Warning: {len(places)} of {len(taxonomy)} tags {what}: {named}{more}",
            err=True,
        )
