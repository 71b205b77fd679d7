"""Which loss is the best for a recipe's data: heads trained on the same frozen features, each with another loss.

    python -m edge_tagger.train.compare_losses products.csv --recipe fashion --weights FILE --cache FOLDER

The frozen layers are computed once (minutes; kept in the cache), each head takes seconds. Photos of the validation
split measure them, as a Markdown table. Losses other than cross-entropy give scores that are no probabilities, so that
scores are calibrated before tags are held against each other, each half of the photos by the other: micro mAP and
top-1. Macro mAP, in which each tag stands alone, is the same before and after; "consistent" is that of the scores that
a decoder holds against thresholds, where no child stands above its parent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from edge_tagger.catalogue.labels import POSITIVE, Targets
from edge_tagger.errors import EdgeTaggerError, RecipeError
from edge_tagger.metrics import macro_map, micro_map, top1
from edge_tagger.taxonomy import Scores, Taxonomy
from edge_tagger.terminal import echo
from edge_tagger.train.calibrate import cross_fitted_scores
from edge_tagger.train.hub import find_weights
from edge_tagger.train.keras import tf
from edge_tagger.train.phases import compute_frozen, run_phase
from edge_tagger.train.prepare import prepare
from edge_tagger.train.recipe import LossOptions, Recipe
from edge_tagger.train.recipe_file import load_recipe
from edge_tagger.train.run import RunFolder
from edge_tagger.train.session import Logits, Places, Session
from edge_tagger.train.weights import read_pretrained

CROSSENTROPY = LossOptions("binary_crossentropy", coherent=False)
LOSSES = {
    "binary_crossentropy": CROSSENTROPY,
    "binary_crossentropy, coherent": replace(CROSSENTROPY, coherent=True),
    "binary_crossentropy, siblings 0.01": replace(CROSSENTROPY, siblings=0.01),
    "effective_number, beta 0.99": LossOptions("effective_number", beta=0.99, coherent=False),
    "effective_number, beta 0.999": LossOptions("effective_number", beta=0.999, coherent=False),
    "focal, gamma 1": LossOptions("focal", gamma=1, coherent=False),
    "focal, gamma 2": LossOptions("focal", gamma=2, coherent=False),
    "asymmetric, gamma 2, margin 0.05": LossOptions("asymmetric", gamma=2, margin=0.05, coherent=False),
    "asymmetric, gamma 4, margin 0.05": LossOptions("asymmetric", gamma=4, margin=0.05, coherent=False),
}
Figures = dict[str, float]


def compare_losses(
    source: Path, recipe: Recipe, weights: Path, *, cache: Path, seeds: Sequence[int]
) -> Iterator[tuple[str, list[Figures]]]:
    """Each loss of LOSSES with the figures of its heads, one for each seed: their start, the order of photos.

    The features are those of the recipe's own seed. Raises CatalogueError, RecipeError, OutputError, RunError.
    """
    phase = recipe.phases[0]
    if phase.layers != "head":
        raise RecipeError(f'the first phase of {recipe.name!r} trains {phase.layers!r}; give one with layers = "head"')
    pretrained = read_pretrained(weights, recipe.model.backbone, recipe.model.stages)
    tf.config.experimental.enable_op_determinism()
    with tempfile.TemporaryDirectory(prefix="edge-tagger-") as folder:
        run = RunFolder.open(Path(folder) / "run", recipe, resume=False)
        session = Session(recipe, run, prepare(source, recipe, run, weights), pretrained, Places(cache))
        frozen = compute_frozen(session, 0, phase)
        if frozen is None:
            raise RecipeError(f"one view of the frozen features needs more than cache_gb = {phase.cache_gb:g}")
        pooled = np.concatenate([tensors[0] for tensors in frozen.validation.in_order()]).astype(np.float32)
        for name, loss in LOSSES.items():
            rows = []
            for seed in seeds:
                session.recipe = replace(recipe, loss=loss, seed=seed)
                session.start_head()
                run_phase(session, 0, phase, frozen)
                run.checkpoint(phase.name).unlink()
                kernel, bias = session.model.get_layer("head").get_weights()
                rows.append(figures(session.validation.targets, pooled @ kernel + bias, session.taxonomy))
            yield name, rows


def figures(targets: Targets, logits: Logits, taxonomy: Taxonomy) -> Figures:
    """Macro and micro mAP, and top-1 at each level of each exclusive facet, 0..1; both arrays are [photos, N]."""
    scores = cross_fitted_scores(targets, logits, taxonomy)
    found = {
        "mAP macro": macro_map(targets, logits),
        "consistent": macro_map(targets, taxonomy.consistent(scores)),
        "mAP micro": micro_map(targets, scores),
    }
    for facet in taxonomy.facets:
        if facet.exclusive:
            for level, column in enumerate(facet.columns):
                found[column] = _top1(targets, scores, taxonomy, facet.name, level)
    return {name: value for name, value in found.items() if value is not None}


def markdown(name: str, rows: Sequence[Figures]) -> str:
    """A row of the table: mean and, over several seeds, standard deviation of each figure, in %."""
    cells = []
    for column in rows[0]:
        values = 100 * np.array([row[column] for row in rows])
        cells.append(f"{values.mean():.1f}" + (f" ±{values.std(ddof=1):.1f}" if len(rows) > 1 else ""))
    return " | ".join([f"| {name}", *cells]) + " |"


def _top1(targets: Targets, scores: Scores, taxonomy: Taxonomy, facet: str, level: int) -> float | None:
    """Of photos with a known tag at this level, the share whose best path has it there."""
    places = [place for place in taxonomy.places(facet) if taxonomy.tags[place].level == level]
    truths, answers = [], []
    for row, own in zip(targets[:, places] == POSITIVE, scores, strict=True):
        path = taxonomy.best_path(facet, own)
        truths.append(taxonomy.tags[places[int(row.argmax())]].id if row.any() else None)
        answers.append(taxonomy.tags[path[level]].id if level < len(path) else None)
    return top1(truths, answers)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--recipe", required=True, metavar="NAME|FILE", help="Its first phase must train the head.")
@click.option("--weights", default="imagenet", show_default=True, metavar="FILE|imagenet", help="As of `train`.")
@click.option("--cache", required=True, type=click.Path(path_type=Path, file_okay=False), help="As of `train`.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="Heads for each loss.")
@click.pass_context
def command(context: click.Context, source: Path, recipe: str, weights: str, cache: Path, seeds: int) -> None:
    """Train a head with each loss on SOURCE and print what the validation split says."""
    try:
        chosen = load_recipe(recipe)
        found = find_weights(weights, chosen.model.backbone)
        if found is None:
            raise RecipeError("a head learns on pretrained features; give --weights FILE|imagenet")
        told = False
        for name, rows in compare_losses(source, chosen, found, cache=cache, seeds=range(seeds)):
            if not told:
                echo(f"| loss | {' | '.join(rows[0])} |", f"|{'---|' * (len(rows[0]) + 1)}")
                told = True
            echo(*markdown(name, rows).split("\n"))
    except EdgeTaggerError as error:
        echo(f"Error: {error}", err=True)
        context.exit(error.exit_code)


if __name__ == "__main__":
    command()
