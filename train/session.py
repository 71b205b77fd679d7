"""What the stretches of one training share: its photos, the model that they change, validation and the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tagger.catalogue.labels import NEGATIVE, POSITIVE, Targets
from edge_tagger.metrics import macro_map, micro_map
from edge_tagger.progress import Progress
from edge_tagger.taxonomy import Taxonomy
from edge_tagger.train.cross_layer import cross_layer_equalized
from edge_tagger.train.dataset import PhotoSet, plain_batches, training_batches
from edge_tagger.train.deploy import deployed, parts_of
from edge_tagger.train.events import write_scalars
from edge_tagger.train.fit import Schedule
from edge_tagger.train.head import start_head
from edge_tagger.train.histogram import set_histogram
from edge_tagger.train.keras import tf, tf_keras
from edge_tagger.train.prepare import Prepared
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.replicas import strategy_of
from edge_tagger.train.resnet import Weights, build, fold, get_weights, set_weights
from edge_tagger.train.run import RunFolder
from edge_tagger.train.second_head import widened
from edge_tagger.train.start import equalize, start_weights

VALIDATION_BATCH = 32
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Places:
    """Where a training writes besides its run: outputs of frozen layers, which runs can share, and TensorBoard logs."""

    cache: Path
    tensorboard: Path | None = None


class Session:
    """One training. `model` is its tagger, in the normalized form as long as it is not `folded`; what changes its
    weights runs in the scope of `strategy`."""

    def __init__(
        self,
        recipe: Recipe,
        run: RunFolder,
        prepared: Prepared,
        pretrained: Weights | None,
        places: Places,
        strategy: str = "none",
    ) -> None:
        self.recipe, self.run, self.places = recipe, run, places
        self.photos = PhotoSet(*prepared.of("train"))
        self.validation = PhotoSet(*prepared.of("val"))
        tf_keras.backend.clear_session()  # else a second training's layers are named quantize_layer_1
        tf_keras.utils.set_random_seed(recipe.seed)
        self.folded = pretrained is not None
        self.strategy = strategy_of(strategy)
        with self.strategy.scope():
            self.model = self._build()
            self._start(pretrained)

    @cached_property
    def taxonomy(self) -> Taxonomy:
        return self.run.read_manifest().taxonomy

    @cached_property
    def representative(self) -> NDArray[np.uint8]:
        """uint8 [n, S, S, 3] of the training split."""
        return self.run.read_representative(self.recipe.model.image_size)

    def batches(
        self, batch_size: int, seed: tuple[int, ...], epoch: int, first_step: int, *, augment: bool = True
    ) -> Iterator[tuple[Any, ...]]:
        """Tensors (uint8 [B, S, S, 3], int8 [B, N]) of one epoch, shuffled, from `first_step` on."""
        return training_batches(
            self.photos,
            size=self.recipe.model.image_size,
            batch_size=min(batch_size, len(self.photos)),
            options=self.recipe.augment if augment else None,
            seed=seed,
            epoch=epoch,
            first_step=first_step,
        )

    def validation_logits(self, model: Any, batches: Iterable[Any] | None = None) -> Logits:
        """float32 [photos, N] of the validation split. `model` maps pixels, or what `batches` gives, to logits."""
        forward = _forward(model)
        if batches is None:
            size = self.recipe.model.image_size
            batches = (b for b, _ in plain_batches(self.validation, size=size, batch_size=VALIDATION_BATCH))
        logits = []
        with Progress(len(self.validation), "validate", unit="photo") as bar:
            for batch in batches:
                logits.append(forward(batch).numpy())
                bar.update(len(logits[-1]))
        return np.concatenate(logits)

    def pooled_representative(self) -> NDArray[np.float32]:
        """float32 [n, C]: the pooled features of the representative photos."""
        pooled = tf_keras.Model(self.model.input, self.model.get_layer("features").output)
        photos = self.representative.astype(np.float32)
        starts = range(0, len(photos), VALIDATION_BATCH)
        return np.concatenate([pooled(photos[start : start + VALIDATION_BATCH], training=False) for start in starts])

    def log(self, phase: str, epoch: int, loss: float, logits: Logits, schedule: Schedule) -> None:
        """Write an epoch's figures to the run and, with its learning rate, to TensorBoard."""
        figures = {"loss": loss, **validation_figures(self.validation.targets, logits)}
        self.run.log(phase, epoch, figures)
        if self.places.tensorboard is not None:
            write_scalars(self.places.tensorboard / phase, epoch, {**figures, "learning_rate": schedule.rate_in(epoch)})

    def start_head(self) -> None:
        """A head that knows nothing: small weights by the recipe's seed, the bias at each tag's log-odds in the
        training split."""
        start_head(self.model, self.recipe.seed, self.log_odds())

    def log_odds(self) -> NDArray[np.float32]:
        """float32 [N]: of each tag in the training split, with one imagined photo of either kind."""
        targets = self.photos.targets
        positive, negative = (targets == POSITIVE).sum(0) + 1.0, (targets == NEGATIVE).sum(0) + 1.0
        odds: NDArray[np.float32] = np.log(positive / negative).astype(np.float32)
        return odds

    def fold(self) -> None:
        """Bring the model into the folded form, if it is not."""
        if not self.folded:
            trained = fold(get_weights(self.model), self.recipe.model.backbone)
            self.folded = True
            self.model = self._build()
            set_weights(self.model, trained)

    def deploy(self) -> None:
        """Bring the folded model into the form that is exported and quantized: equalized and, with parts, deployed."""
        set_weights(self.model, cross_layer_equalized(self.model, self.representative))
        parts = parts_of(self.model)
        if parts:
            weights = deployed(get_weights(self.model), parts, self.pooled_representative())
            self.model = self._build(deploy=True)
            set_weights(self.model, weights)

    def _build(self, *, deploy: bool = False) -> Any:
        options = self.recipe.model
        return build(
            options.backbone,
            stages=options.stages,
            image_size=options.image_size,
            tags=self.photos.targets.shape[1],
            folded=self.folded,
            taps=options.taps,
            pool=options.pool,
            palette=options.palette,
            histogram=options.histogram,
            hidden=options.hidden,
            deployed=deploy,
        )

    def _start(self, pretrained: Weights | None) -> None:
        """Pretrained or fresh weights; their own head where they have one, and else a fresh one."""
        weights = start_weights(self.recipe.model, pretrained)
        own_head = "head.kernel" in weights
        set_weights(self.model, widened(weights, self.model) if own_head else weights)
        if "histogram.conv1.kernel" not in weights:
            set_histogram(self.model, self.representative)
        if own_head:
            return
        if pretrained is not None:
            equalize(self.model, self.representative)
        self.start_head()


@lru_cache(maxsize=1)  # a phase asks for the same one after each epoch
def _forward(model: Any) -> Any:
    @tf.function(reduce_retracing=True, autograph=False)
    def forward(batch: Any) -> Any:
        return model(tf.nest.map_structure(lambda t: tf.cast(t, tf.float32), batch), training=False)

    return forward


def validation_figures(targets: Targets, logits: Logits) -> dict[str, float]:
    """Mean average precision of logits."""
    return {"map_macro": macro_map(targets, logits) or 0.0, "map_micro": micro_map(targets, logits) or 0.0}
