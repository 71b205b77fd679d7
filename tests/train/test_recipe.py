from __future__ import annotations

from pathlib import Path

import pytest

from edge_tagger.errors import RecipeError
from edge_tagger.taxonomy import Facet
from edge_tagger.train.recipe_file import load_recipe, packaged_recipes, parse_recipe, save_recipe

LEAST = 'name = "a"\n[facets.kind]\ncolumn = "kind"\n'


def test_every_packaged_recipe_loads_and_opens_with_its_command() -> None:
    assert {"classes", "demo", "fashion"} <= set(packaged_recipes())
    for name in packaged_recipes():
        assert load_recipe(name).facets


def test_a_saved_recipe_spells_out_every_default_and_loads_as_the_same(tmp_path: Path) -> None:
    recipe = load_recipe("demo")
    save_recipe(tmp_path / "recipe.toml", recipe)
    assert load_recipe(str(tmp_path / "recipe.toml")) == recipe
    assert "calibration_photos" in (tmp_path / "recipe.toml").read_text()


def test_facets_are_columns_levels_or_separated_tags() -> None:
    text = LEAST + '[facets.category]\nlevels = ["a", "b"]\n[facets.details]\ncolumn = "d"\nseparator = "|"\n'
    assert parse_recipe(text, "x").facets == (
        Facet("kind", ("kind",)),
        Facet("category", ("a", "b")),
        Facet("details", ("d",), exclusive=False, separator="|"),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'name' is missing"),
        ('name = "a"', "facets"),
        ("name = 'a", "not TOML"),
        (LEAST + "[data]\nmin_cuont = 3", "did you mean 'min_count'"),
        (LEAST + "[modle]\nstages = 3", "did you mean 'model'"),
        (LEAST + "[facets.x]\ncolum = 'c'", "either column (one) or levels"),
        (LEAST + "[facets.x]\ncolumn = 'c'\nlevels = ['d']", "either column (one) or levels"),
        (LEAST + "[facets.x]\ncolumn = 'c'\nseparator = '|'\nexclusive = true", "exclusive = false"),
        (LEAST + "[model]\nstages = '3'", "must be int"),
        (LEAST + "[model]\nstages = true", "must be int"),
        (LEAST + "[model]\nstages = 5", "in 1..4"),
        (LEAST + "[model]\nbackbone = 'resnet99'", "one of resnet10, resnet18, resnet34, resnet50, resnet50v2"),
        (LEAST + "[data]\nfractions = [0.5, 0.2, 0.2]", "sum to 1"),
        (LEAST + "[[phases]]\nname = 'a'\n[[phases]]\nname = 'a'", "different for each phase"),
        (LEAST + "[[phases]]\nname = 'a'\nlayers = 'stage4'", "one of all, head, stage1, stage2, stage3"),
        (LEAST + "[[phases]]\nname = 'a'\nlearning_rate = 0", "above 0"),
        ("data = 3\n" + LEAST, "must be a table"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told.replace("(", r"\(").replace(")", r"\)")) as refused:
        parse_recipe(text, "mine.toml")
    assert str(refused.value).startswith("mine.toml") and "\n" not in str(refused.value).split("TOML:")[0]


def test_an_unknown_name_lists_the_packaged_recipes() -> None:
    with pytest.raises(RecipeError, match="classes, demo, fashion"):
        load_recipe("fasion")
