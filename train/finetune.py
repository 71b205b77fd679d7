"""Train a tagger: the phases of a recipe, then the float model, its quantization-aware copy, and both compared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_tagger.errors import RecipeError
from edge_tagger.train.compare import compare
from edge_tagger.train.finish import finish_float, finish_quantized
from edge_tagger.train.keras import tf
from edge_tagger.train.phases import run_phase
from edge_tagger.train.prepare import prepare
from edge_tagger.train.recipe import SECOND_HEAD, Recipe
from edge_tagger.train.run import RunFolder
from edge_tagger.train.session import Places, Session
from edge_tagger.train.source_data import check_unchanged
from edge_tagger.train.weights import read_pretrained


def train(
    source: Path,
    recipe: Recipe,
    run_path: Path,
    *,
    weights: Path | None = None,
    resume: bool = False,
    cache: Path | None = None,
    tensorboard: Path | None = None,
    strategy: str = "none",
    accept_changed_data: bool = False,
) -> None:
    """Train `recipe` on `source` (a CSV or a folder of classes) into the folder `run_path`.

    `weights` is a file for the recipe's backbone that edge_tagger.train.weights reads; without it training starts from
    nothing. With `resume` a stopped run goes on where it stopped, to the result that it would have had. Operations are
    deterministic. `cache` is a folder for what frozen layers put out, kept for other runs; without it, it lies in the
    run and is removed at the end. `tensorboard` is a folder for logs. With the `strategy` "mirrored" all GPUs share
    each batch of the phases; quantization-aware training, which is short, takes one. A run whose source has changed
    since is only resumed with `accept_changed_data`: on the photos and labels that it has recorded.

    Raises CatalogueError, RecipeError, OutputError, RunError; KeyboardInterrupt after Ctrl-C, the state being saved.
    """
    _check_phases(recipe, pretrained=weights is not None)
    options = recipe.model
    pretrained = None if weights is None else read_pretrained(weights, options.backbone, options.stages)
    run = RunFolder.open(run_path, recipe, resume=resume)
    if run.is_done:
        if source.exists() and not accept_changed_data:
            check_unchanged(source, recipe, run)
        return
    tf.config.experimental.enable_op_determinism()
    prepared = prepare(source, recipe, run, weights, accept_changed_data=accept_changed_data)
    if weights is not None and recipe.phases[0].layers == SECOND_HEAD:
        tags = [tag.id for tag in run.read_manifest().taxonomy.tags]
        pretrained = read_pretrained(weights, options.backbone, options.stages, tags=tags)
    places = Places(cache or run.path / "cache", tensorboard)
    session = Session(recipe, run, prepared, pretrained, places, strategy)
    with session.strategy.scope(), _precision(recipe.precision):
        for number, phase in enumerate(recipe.phases):
            run_phase(session, number, phase)
    finish_float(session)
    finish_quantized(session)
    compare(run, source, recipe)
    if cache is None:
        shutil.rmtree(run.path / "cache", ignore_errors=True)


def _check_phases(recipe: Recipe, *, pretrained: bool) -> None:
    part = next((phase for phase in recipe.phases if phase.layers != "all"), None)
    if not pretrained and part is not None:
        raise RecipeError(
            f"phase {part.name!r} trains only {part.layers!r}, which needs pretrained weights below it; "
            'give --weights FILE, or set layers = "all"'
        )
    averaged = next((phase for phase in recipe.phases if phase.members > 1), None)
    if not pretrained and averaged is not None:
        raise RecipeError(
            f"phase {averaged.name!r} has {averaged.members} members, whose weights have a mean only where they begin "
            "from pretrained ones; give --weights FILE, or set members = 1"
        )


@contextmanager
def _precision(name: str) -> Iterator[None]:
    """Convolutions and products in bfloat16, if so named, by TensorFlow's graph rewriting for oneDNN."""
    option = "auto_mixed_precision_onednn_bfloat16"
    tf.config.optimizer.set_experimental_options({option: name == "bfloat16"})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: False})
