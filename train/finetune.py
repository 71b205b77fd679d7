"""Train a tagger: the phases of a recipe, then the float model, then its quantization-aware copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import NEGATIVE, POSITIVE, Targets
from edge_tagger.errors import RecipeError
from edge_tagger.metrics import macro_map, micro_map
from edge_tagger.progress import Progress
from edge_tagger.train.dataset import PhotoSet, plain_batches, training_batches
from edge_tagger.train.export import export
from edge_tagger.train.features import equalize, head_batches, pooled_features
from edge_tagger.train.fit import Schedule, fit
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.losses import masked_binary_crossentropy
from edge_tagger.train.prepare import Prepared, prepare
from edge_tagger.train.quantize import hold_ranges, quantize
from edge_tagger.train.recipe import Phase, Recipe
from edge_tagger.train.resnet import Weights, build, fold, get_weights, set_weights
from edge_tagger.train.run import RunFolder
from edge_tagger.train.thresholds import best_f1_thresholds
from edge_tagger.train.weights import check_names, pixel_affine, read_pretrained, save_weights

VALIDATION_BATCH = 32
QUANTIZE = "quantize"


def train(source: Path, recipe: Recipe, run_path: Path, *, weights: Path | None = None, resume: bool = False) -> None:
    """Train `recipe` on `source` (a CSV or a folder of classes) into the folder `run_path`.

    `weights` is a safetensors file for the recipe's backbone; without it training starts from nothing. With `resume`
    a stopped run goes on where it stopped, to the result that it would have had. Operations are deterministic.

    Raises CatalogueError, RecipeError, OutputError, RunError; KeyboardInterrupt after Ctrl-C, the state being saved.
    """
    _check_phases(recipe, pretrained=weights is not None)
    pretrained = None if weights is None else _read_weights(weights, recipe)
    run = RunFolder.open(run_path, recipe, resume=resume)
    if run.is_done:
        return
    tf.config.experimental.enable_op_determinism()
    prepared = prepare(source, recipe, run, weights)
    training = _Training(recipe, run, prepared, pretrained)
    for number, phase in enumerate(recipe.phases):
        training.run_phase(number, phase)
    training.finish_float()
    training.quantize()


def _check_phases(recipe: Recipe, *, pretrained: bool) -> None:
    part = next((phase for phase in recipe.phases if phase.layers != "all"), None)
    if not pretrained and part is not None:
        raise RecipeError(
            f"phase {part.name!r} trains only {part.layers!r}, which needs pretrained weights below it; "
            'give --weights FILE, or set layers = "all"'
        )


def _read_weights(path: Path, recipe: Recipe) -> Weights:
    """Pretrained weights, held against the model before anything is written."""
    options = recipe.model
    pretrained = read_pretrained(path, options.backbone, options.stages)
    model = build(options.backbone, stages=options.stages, image_size=options.image_size, tags=1, folded=True)
    shapes = {name: value.shape for name, value in get_weights(model).items() if not name.startswith("head.")}
    check_names(pretrained, shapes, str(path))
    return pretrained


class _Training:
    """What the phases of one run share: its photos and the model that they change."""

    def __init__(self, recipe: Recipe, run: RunFolder, prepared: Prepared, pretrained: Weights | None) -> None:
        self.recipe, self.run = recipe, run
        self.photos = PhotoSet(*prepared.of("train"))
        self.validation = PhotoSet(*prepared.of("val"))
        tf_keras.backend.clear_session()  # else a second training's layers are named quantize_layer_1
        tf_keras.utils.set_random_seed(recipe.seed)
        self.folded = pretrained is not None
        self.model = self._build(folded=self.folded)
        self._start(pretrained)

    def run_phase(self, number: int, phase: Phase) -> None:
        """Train the layers of one phase; where it has been done, only take its result."""
        if phase.layers == "head":
            self._run_head(number, phase)
            return
        variables = _trainable(self.model, phase.layers)
        logits = tf_keras.Model(self.model.input, self.model.get_layer("head").output)

        def loss(pixels: Any, targets: Any) -> Any:
            return masked_binary_crossentropy(targets, logits(tf.cast(pixels, tf.float32), training=not self.folded))

        fit(
            phase.name,
            loss=loss,
            variables=variables,
            state=self.model.weights,
            batches=self._batches(phase.batch_size, (self.recipe.seed, number)),
            schedule=_schedule(phase, len(self.photos)),
            checkpoint=self.run.checkpoint(phase.name),
            after_epoch=lambda epoch, value: self._log(phase.name, epoch, value, self.model),
        )

    def finish_float(self) -> None:
        """Fold the model, tune thresholds on the validation split, and write the float SavedModel."""
        if not self.folded:
            trained = fold(get_weights(self.model), self.recipe.model.backbone)
            self.model = self._build(folded=True)
            set_weights(self.model, trained)
        save_weights(self.run.path / "weights.safetensors", get_weights(self.model))
        export(self.model, self.run.float_model)
        manifest = self.run.read_manifest()
        scores = self._scores(self.model)
        thresholds = best_f1_thresholds(self.validation.targets, manifest.taxonomy.consistent(scores))
        figures = {f"val_{name}": value for name, value in _figures(self.validation.targets, scores).items()}
        self.run.write_manifest(
            replace(
                manifest,
                thresholds=thresholds,
                metrics=figures,
                provenance=self.run.read_provenance(),
            )
        )

    def quantize(self) -> None:
        """Quantization-aware distillation from the float model, and its SavedModel."""
        options = self.recipe.quantize
        quantized = quantize(self.model, np.load(self.run.representative_path))
        if options.steps:
            teacher = tf_keras.Model(self.model.input, self.model.get_layer("scores").output)
            logits = tf_keras.Model(quantized.input, quantized.get_layer("quant_head").output)

            def loss(pixels: Any, _targets: Any) -> Any:
                photos = tf.cast(pixels, tf.float32)
                return masked_binary_crossentropy(teacher(photos, training=False), logits(photos, training=True))

            fit(
                QUANTIZE,
                loss=loss,
                variables=_trainable(quantized, options.layers),
                state=quantized.weights,
                batches=self._batches(options.batch_size, (self.recipe.seed, len(self.recipe.phases))),
                schedule=Schedule(max(1, len(self.photos) // options.batch_size), options.steps, options.learning_rate),
                checkpoint=self.run.checkpoint(QUANTIZE),
                after_step=lambda: hold_ranges(quantized),
                after_epoch=lambda epoch, value: self._log(QUANTIZE, epoch, value, quantized),
            )
        export(quantized, self.run.quantized_model)

    def _build(self, *, folded: bool) -> Any:
        options = self.recipe.model
        return build(
            options.backbone,
            stages=options.stages,
            image_size=options.image_size,
            tags=self.photos.targets.shape[1],
            folded=folded,
        )

    def _start(self, pretrained: Weights | None) -> None:
        """Pretrained or fresh weights; the head's bias starts at each tag's log-odds in the training split."""
        set_weights(self.model, pretrained or pixel_affine(self.recipe.model.backbone))
        kernel, _ = self.model.get_layer("head").get_weights()
        self.model.get_layer("head").set_weights([kernel * np.float32(0.1), _log_odds(self.photos.targets)])

    def _run_head(self, number: int, phase: Phase) -> None:
        """Train the head alone, on cached features that are brought to one scale and centred."""
        seed, head = (self.recipe.seed, number), self.model.get_layer("head")
        folder = self.run.checkpoints
        features = pooled_features(
            self.model,
            self.photos,
            folder / f"{phase.name}-features",
            views=phase.views,
            options=self.recipe.augment,
            seed=seed,
        )
        validation = pooled_features(self.model, self.validation, folder / f"{phase.name}-features-val")[0]
        scale = equalize(self.model, features)
        features, validation = features * scale, validation * scale
        mean = features.mean((0, 1))
        features, validation = features - mean, validation - mean

        def loss(pooled: Any, targets: Any) -> Any:
            return masked_binary_crossentropy(targets, head(pooled))

        def batches(epoch: int, first_step: int) -> Iterable[tuple[Any, ...]]:
            return head_batches(
                features,
                self.photos.targets,
                batch_size=phase.batch_size,
                seed=seed,
                epoch=epoch,
                first_step=first_step,
            )

        def log(epoch: int, value: float) -> None:
            scores = tf.sigmoid(head(validation)).numpy()
            self.run.log(phase.name, epoch, {"loss": value, **_figures(self.validation.targets, scores)})

        fit(
            phase.name,
            loss=loss,
            variables=head.trainable_variables,
            state=head.weights,
            batches=batches,
            schedule=_schedule(phase, len(self.photos)),
            checkpoint=self.run.checkpoint(phase.name),
            after_epoch=log,
        )
        kernel, bias = head.get_weights()
        head.set_weights([kernel, bias - mean @ kernel])

    def _batches(self, batch_size: int, seed: tuple[int, ...]) -> Callable[[int, int], Iterable[tuple[Any, ...]]]:
        def batches(epoch: int, first_step: int) -> Iterable[tuple[Any, ...]]:
            return training_batches(
                self.photos,
                size=self.recipe.model.image_size,
                batch_size=min(batch_size, len(self.photos)),
                options=self.recipe.augment,
                seed=seed,
                epoch=epoch,
                first_step=first_step,
            )

        return batches

    def _log(self, phase: str, epoch: int, loss: float, model: Any) -> None:
        figures = _figures(self.validation.targets, self._scores(model))
        self.run.log(phase, epoch, {"loss": loss, **figures})

    def _scores(self, model: Any) -> NDArray[np.float32]:
        """float32 [photos, N] of the validation split."""

        @tf.function(reduce_retracing=True, autograph=False)
        def forward(pixels: Any) -> Any:
            return model(tf.cast(pixels, tf.float32), training=False)

        scores = []
        with Progress(len(self.validation), "validate", unit="photo") as bar:
            for pixels, _ in plain_batches(
                self.validation, size=self.recipe.model.image_size, batch_size=VALIDATION_BATCH
            ):
                scores.append(forward(pixels).numpy())
                bar.update(len(pixels))
        return np.concatenate(scores)


def _schedule(phase: Phase, photos: int) -> Schedule:
    steps = max(1, photos // phase.batch_size)
    return Schedule(steps, steps * phase.epochs, phase.learning_rate, phase.warmup, phase.weight_decay)


def _trainable(model: Any, layers: str) -> list[Any]:
    """Variables of the layers that a phase trains; the pixels' normalization never learns."""
    if layers == "head":
        names: Sequence[str] = ("head",)
    elif layers == "all":
        names = ("stem", "stage", "final_norm", "head")
    else:
        names = (*(f"stage{number}" for number in range(int(layers[-1]), 5)), "final_norm", "head")
    return [
        variable
        for layer in model.layers
        if layer.name.removeprefix("quant_").startswith(tuple(names))
        for variable in layer.trainable_variables
    ]


def _figures(targets: Targets, scores: NDArray[np.float32]) -> dict[str, float]:
    return {
        "map_macro": macro_map(targets, scores) or 0.0,
        "map_micro": micro_map(targets, scores) or 0.0,
    }


def _log_odds(targets: Targets) -> NDArray[np.float32]:
    """float32 [N]: log-odds of each tag, with one imagined photo of either kind."""
    positive, negative = (targets == POSITIVE).sum(0) + 1.0, (targets == NEGATIVE).sum(0) + 1.0
    odds: NDArray[np.float32] = np.log(positive / negative).astype(np.float32)
    return odds
