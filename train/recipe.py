"""A recipe: the TOML file that fully describes one training. No TensorFlow here.

Every key is checked against the dataclasses below; an unknown one is refused with the nearest name that exists.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import types
import typing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from edge_tagger.errors import RecipeError
from edge_tagger.files import write_text
from edge_tagger.taxonomy import Facet
from edge_tagger.train.backbones import BACKBONES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class DataOptions:
    """Which columns hold what. Without a `split` column photos are split by `fractions` (train, val, test), by group;
    without a `group` column the groups are the near-duplicates. Tags with fewer than `min_count` photos in the
    training split are dropped."""

    image: str = "image"
    split: str | None = None
    group: str | None = None
    min_count: int = 10
    fractions: tuple[float, ...] = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class ModelOptions:
    backbone: str = "resnet50v2"
    stages: int = 3
    image_size: int = 160


@dataclass(frozen=True)
class AugmentOptions:
    """`crop` is the largest share of each side that is cut away, `brightness` the largest change of all pixels."""

    flip: bool = True
    crop: float = 0.15
    brightness: float = 0.15


@dataclass(frozen=True)
class Phase:
    """One stretch of training. `layers` names what learns: "head", "all", or a first stage ("stage3": it and all
    after it). A "head" phase works on features that are computed once for `views` augmented views of each photo.
    The learning rate falls from its start to nothing along a half cosine, after `warmup` (a share of all steps)."""

    name: str
    layers: str = "all"
    epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup: float = 0.05
    views: int = 2


@dataclass(frozen=True)
class QuantizeOptions:
    """Quantization-aware training of the float model: `steps` of distillation from it (0: calibrated ranges only)."""

    steps: int = 200
    batch_size: int = 16
    learning_rate: float = 1e-5
    layers: str = "all"
    calibration_photos: int = 128


@dataclass(frozen=True)
class Recipe:
    name: str
    facets: tuple[Facet, ...]
    description: str = ""
    licence: str = ""
    seed: int = 0
    data: DataOptions = field(default_factory=DataOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    phases: tuple[Phase, ...] = (Phase("train"),)
    quantize: QuantizeOptions = field(default_factory=QuantizeOptions)


def packaged_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = resources.files("edge_tagger.train.recipes")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name_or_path: str) -> Recipe:
    """A packaged recipe by its name, or one from a TOML file. Raises RecipeError."""
    if name_or_path in packaged_recipes():
        text = (resources.files("edge_tagger.train.recipes") / f"{name_or_path}.toml").read_text(encoding="utf-8")
        return parse_recipe(text, name_or_path)
    path = Path(name_or_path)
    try:
        return parse_recipe(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise RecipeError(
            f"there is no recipe {name_or_path!r}: give a TOML file or one of {', '.join(packaged_recipes())}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read the recipe {path}: {error}") from error


def parse_recipe(text: str, source: str) -> Recipe:
    """The recipe in `text`; `source` names it in errors. Raises RecipeError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not TOML: {error}") from error
    try:
        facets = tuple(_facet(name, value) for name, value in _table(table.pop("facets", {}), "facets").items())
        recipe: Recipe = _section(Recipe, {**table, "facets": facets}, "")
        _check(recipe)
    except (RecipeError, ValueError) as error:
        raise RecipeError(f"{source}: {error}") from error
    return recipe


def save_recipe(path: Path, recipe: Recipe) -> None:
    """Write the recipe with every default spelled out, so that a later version trains the same."""
    import tomli_w

    table = _plain(dataclasses.asdict(recipe))
    table["facets"] = {facet.pop("name"): facet for facet in table.pop("facets")}
    write_text(path, tomli_w.dumps(table))


def _facet(name: str, value: Any) -> Facet:
    table = dict(_table(value, f"facets.{name}"))
    if ("column" in table) == ("levels" in table or "columns" in table):
        raise RecipeError(f"[facets.{name}] needs either column (one) or levels (several, the broadest first)")
    columns = [table.pop("column")] if "column" in table else table.pop("levels", None) or table.pop("columns")
    separator = table.get("separator")
    facet: Facet = _section(
        Facet, {"exclusive": separator is None, **table, "name": name, "columns": columns}, f"facets.{name}"
    )
    return facet


def _section(kind: Any, table: dict[str, Any], where: str) -> Any:
    """An instance of the dataclass `kind` from a TOML table, every key and type checked."""
    hints = typing.get_type_hints(kind)
    for key in table:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1)
            guess = f"did you mean {near[0]!r}? " if near else ""
            raise RecipeError(f"unknown key {_dotted(where, key)!r}; {guess}allowed: {', '.join(hints)}")
    missing = [
        f.name
        for f in dataclasses.fields(kind)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and f.name not in table
    ]
    if missing:
        raise RecipeError(f"{_dotted(where, missing[0])!r} is missing")
    return kind(**{key: _value(hints[key], value, _dotted(where, key)) for key, value in table.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type `hint` says; nothing is cast but whole numbers to float and lists to tuples."""
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else _section(hint, _table(value, where), where)  # type: ignore[arg-type]
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise RecipeError(f"{where!r} must be a list, not {value!r}")
        return tuple(_value(typing.get_args(hint)[0], item, where) for item in value)
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if float in options and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, tuple(options)) or (isinstance(value, bool) and bool not in options):
        wanted = " or ".join(option.__name__ for option in options if option is not type(None))
        raise RecipeError(f"{where!r} must be {wanted}, not {value!r}")
    return value


def _check(recipe: Recipe) -> None:
    def rule(holds: bool, key: str, wanted: str) -> None:
        if not holds:
            raise RecipeError(f"{key!r} must be {wanted}")

    rule(bool(recipe.facets), "facets", "at least one table [facets.NAME]")
    rule(bool(recipe.phases), "phases", "at least one table [[phases]]")
    names = [phase.name for phase in recipe.phases]
    rule(len(set(names)) == len(names), "phases.name", "different for each phase")
    rule(
        all(name.isidentifier() and name != "quantize" for name in names), "phases.name", 'a plain word, not "quantize"'
    )
    rule(recipe.seed >= 0, "seed", "0 or more")
    fractions = recipe.data.fractions
    rule(
        len(fractions) == 3 and min(fractions) >= 0 and abs(sum(fractions) - 1) < 1e-6,
        "data.fractions",
        "three shares (train, val, test) that sum to 1",
    )
    rule(recipe.data.min_count >= 1, "data.min_count", "1 or more")
    rule(
        recipe.model.backbone in BACKBONES,
        "model.backbone",
        f"one of {', '.join(BACKBONES)}, not {recipe.model.backbone!r}",
    )
    rule(16 <= recipe.model.image_size <= 1024, "model.image_size", "in 16..1024 pixels")
    rule(1 <= recipe.model.stages <= 4, "model.stages", "in 1..4")
    rule(0 <= recipe.augment.crop < 1 and 0 <= recipe.augment.brightness < 1, "augment", "shares in 0..1")
    layers = ["all", "head", *(f"stage{n + 1}" for n in range(recipe.model.stages))]
    stretches: list[Phase | QuantizeOptions] = [*recipe.phases, recipe.quantize]
    for trained in stretches:
        where = trained.name if isinstance(trained, Phase) else "quantize"
        rule(trained.layers in layers, f"{where}.layers", f"one of {', '.join(layers)}, not {trained.layers!r}")
        rule(trained.batch_size >= 1, f"{where}.batch_size", "1 or more")
        rule(trained.learning_rate > 0, f"{where}.learning_rate", "above 0")
    for phase in recipe.phases:
        rule(phase.epochs >= 1 and phase.views >= 1, f"{phase.name}", "of at least 1 epoch and 1 view")
    rule(recipe.quantize.steps >= 0 and recipe.quantize.calibration_photos >= 1, "quantize", "0 steps, 1 photo or more")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecipeError(f"[{where}] must be a table, not {value!r}")
    return value


def _dotted(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _plain(value: Any) -> Any:
    """Without None, which TOML does not have; tuples as lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
