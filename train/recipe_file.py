"""Recipes as TOML files: the packaged ones and users' own. No TensorFlow here.

Every key is checked against the dataclasses of edge_tagger.train.recipe; an unknown one is refused with the nearest
name that exists.
"""

from __future__ import annotations

import dataclasses
from importlib import resources
from pathlib import Path
from typing import Any

from edge_tagger.errors import RecipeError
from edge_tagger.files import write_text
from edge_tagger.reading import parse_toml, read_text, reason
from edge_tagger.strict_toml import plain, section, table_of
from edge_tagger.taxonomy import Facet
from edge_tagger.train.recipe import Recipe
from edge_tagger.train.recipe_rules import check


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
        return parse_recipe(read_text(path), str(path))
    except FileNotFoundError as error:
        raise RecipeError(
            f"there is no recipe {name_or_path!r}: give a TOML file or one of {', '.join(packaged_recipes())}"
        ) from error
    except (OSError, ValueError) as error:
        raise RecipeError(f"cannot read the recipe {path}: {reason(error)}") from error


def parse_recipe(text: str, source: str) -> Recipe:
    """The recipe in `text`; `source` names it in errors. Raises RecipeError."""
    try:
        table = parse_toml(text)
    except ValueError as error:
        raise RecipeError(f"{source} is not TOML: {reason(error)}") from error
    try:
        facets = tuple(_facet(name, value) for name, value in table_of(table.pop("facets", {}), "facets").items())
        recipe: Recipe = section(Recipe, {**table, "facets": facets}, "")
        check(recipe)
    except (RecipeError, ValueError) as error:
        raise RecipeError(f"{source}: {error}") from error
    return recipe


def save_recipe(path: Path, recipe: Recipe) -> None:
    """Write the recipe with every default spelled out, so that a later version trains the same."""
    import tomli_w

    table = plain(dataclasses.asdict(recipe))
    table["facets"] = {facet.pop("name"): facet for facet in table.pop("facets")}
    write_text(path, tomli_w.dumps(table))


def _facet(name: str, value: Any) -> Facet:
    table = dict(table_of(value, f"facets.{name}"))
    given = [key for key in ("column", "levels", "columns") if key in table]
    if len(given) != 1:
        raise RecipeError(f"[facets.{name}] needs either column (one) or levels (several, the broadest first)")
    columns = table.pop(given[0])
    columns = [columns] if given == ["column"] else columns
    separator = table.get("separator")
    facet: Facet = section(
        Facet, {"exclusive": separator is None, **table, "name": name, "columns": columns}, f"facets.{name}"
    )
    return facet
