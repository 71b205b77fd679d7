"""What must hold in a recipe beyond the types of its keys. No TensorFlow here."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from edge_tagger.errors import RecipeError
from edge_tagger.manifest import check_display_names
from edge_tagger.taxonomy import Tag
from edge_tagger.train.backbones import BACKBONES
from edge_tagger.train.recipe import (
    HISTOGRAM_BINS,
    LOSSES,
    POOLS,
    PRECISIONS,
    SECOND_HEAD,
    TEACHERS,
    Phase,
    QuantizeOptions,
    Recipe,
)
from edge_tagger.train.thresholds import parse_target


def check(recipe: Recipe) -> None:
    """Raises RecipeError, naming the key, for the first rule that does not hold."""
    _rule(bool(recipe.facets), "facets", "at least one table [facets.NAME]")
    _rule(recipe.seed >= 0, "seed", "0 or more")
    _one_of(recipe.precision, PRECISIONS, "precision")
    parse_target(recipe.thresholds)
    _check_names(recipe)
    _check_data(recipe)
    _check_model(recipe)
    _check_loss(recipe)
    _check_phases(recipe)


def _check_names(recipe: Recipe) -> None:
    _rule(bool(recipe.version), "version", 'a text like "1" or "2.0.1"')
    facets = {facet.name for facet in recipe.facets}
    for locale, names in recipe.display_names.items():
        check_display_names(locale, names)
        for identity in names:
            _one_of(Tag.from_id(identity).facet, sorted(facets), f"display_names.{locale}: the facet of {identity!r}")


def _check_data(recipe: Recipe) -> None:
    fractions = recipe.data.fractions
    _rule(
        len(fractions) == 3 and min(fractions) >= 0 and abs(sum(fractions) - 1) < 1e-6,
        "data.fractions",
        "three shares (train, val, test) that sum to 1",
    )
    _rule(recipe.data.min_count >= 1, "data.min_count", "1 or more")
    augment = recipe.augment
    _rule(0 <= augment.crop < 1 and 0 <= augment.brightness < 1, "augment", "shares in 0..1")
    _rule(0 <= augment.hue <= 0.5, "augment.hue", "in 0..0.5 of the colour circle")
    named = [name for facet in recipe.facets for name in (facet.name, *facet.columns)]
    coloured = next((name for name in named if "colour" in name.lower() or "color" in name.lower()), None)
    _rule(not (augment.hue and coloured), "augment.hue", f"0, for {coloured!r} is learnt and a turned hue belies it")


def _check_model(recipe: Recipe) -> None:
    model = recipe.model
    _one_of(model.backbone, BACKBONES, "model.backbone")
    _one_of(model.pool, POOLS, "model.pool")
    _rule(16 <= model.image_size <= 1024, "model.image_size", "in 16..1024 pixels")
    _rule(1 <= model.stages <= 4, "model.stages", "in 1..4")
    _rule(model.palette >= 0 and model.hidden >= 0, "model", "of a palette and hidden units of 0 or more")
    _rule(0 <= model.histogram <= HISTOGRAM_BINS, "model.histogram", f"in 0..{HISTOGRAM_BINS}")
    taps = model.taps
    _rule(
        all(1 <= tap < model.stages for tap in taps) and list(taps) == sorted(set(taps)),
        "model.taps",
        f"stages before the last, each once and in order (with stages = {model.stages}: 1..{model.stages - 1})",
    )


def _check_loss(recipe: Recipe) -> None:
    loss = recipe.loss
    _one_of(loss.kind, LOSSES, "loss.kind")
    _rule(0 <= loss.beta < 1 and 0 <= loss.margin < 1, "loss", "beta and margin in 0..1")
    _rule(loss.gamma >= 0 and loss.siblings >= 0, "loss", "gamma and siblings of 0 or more")


def _check_phases(recipe: Recipe) -> None:
    _rule(bool(recipe.phases), "phases", "at least one table [[phases]]")
    names = [phase.name for phase in recipe.phases]
    _rule(len(set(names)) == len(names), "phases.name", "different for each phase")
    _rule(
        all(name.isidentifier() and name != "quantize" for name in names), "phases.name", 'a plain word, not "quantize"'
    )
    layers = ["all", "head", *(f"stage{n + 1}" for n in range(recipe.model.stages))]
    stretches: list[Phase | QuantizeOptions] = [*recipe.phases, recipe.quantize]
    second_heads = [*takewhile(lambda phase: phase.layers == SECOND_HEAD, recipe.phases)]  # before all other phases
    for trained in stretches:
        where = trained.name if isinstance(trained, Phase) else "quantize"
        early = trained is recipe.phases[0] or trained in second_heads
        _one_of(trained.layers, [*layers, SECOND_HEAD] if early else layers, f"{where}.layers")
        _rule(trained.batch_size >= 1, f"{where}.batch_size", "1 or more")
        _rule(trained.learning_rate > 0, f"{where}.learning_rate", "above 0")
    for phase in recipe.phases:
        _rule(phase.epochs >= 1, f"{phase.name}.epochs", "1 or more")
        head = phase.layers in ("head", SECOND_HEAD)
        _rule(phase.views >= head, f"{phase.name}.views", "0 or more; for the head at least 1")
        _rule(phase.members >= 1, f"{phase.name}.members", "1 or more")
        _rule(phase.mixup >= 0, f"{phase.name}.mixup", "0 or more")
        _one_of(phase.teacher, TEACHERS, f"{phase.name}.teacher")
        frozen = phase.layers == SECOND_HEAD or (phase.layers == "head" and not recipe.model.palette)
        _rule(
            frozen or phase.teacher == "labels",
            f"{phase.name}.teacher",
            f'"labels" where layers = {phase.layers!r}{" and a palette learns with the head" if head else ""}; '
            "a kernel teaches only what reads frozen features",
        )
        _rule(phase.cache_gb >= 0, f"{phase.name}.cache_gb", "0 or more")
        _rule(0 <= phase.dropout < 1 and 0 <= phase.average < 1, f"{phase.name}", "of a dropout and an average in 0..1")
    quantize = recipe.quantize
    _rule(quantize.steps >= 0 and quantize.calibration_photos >= 1, "quantize", "0 steps, 1 photo or more")


def _one_of(value: str, choices: Any, key: str) -> None:
    _rule(value in choices, key, f"one of {', '.join(choices)}, not {value!r}")


def _rule(holds: bool, key: str, wanted: str) -> None:
    if not holds:
        raise RecipeError(f"{key!r} must be {wanted}")
