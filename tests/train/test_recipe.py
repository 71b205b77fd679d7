from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_tagger.errors import RecipeError
from edge_tagger.taxonomy import Facet
from edge_tagger.train.recipe_file import load_recipe, packaged_recipes, parse_recipe, save_recipe

LEAST = 'name = "a"\n[facets.kind]\ncolumn = "kind"\n'


def test_every_packaged_recipe_loads_and_opens_with_its_command() -> None:
    assert {"classes", "demo", "fashion", "fashion-head", "fashion-second-head"} <= set(packaged_recipes())
    for name in packaged_recipes():
        assert load_recipe(name).facets


def test_a_saved_recipe_spells_out_every_default_and_loads_as_the_same(tmp_path: Path) -> None:
    recipe = load_recipe("demo")
    save_recipe(tmp_path / "recipe.toml", recipe)
    assert load_recipe(str(tmp_path / "recipe.toml")) == recipe
    assert "calibration_photos" in (tmp_path / "recipe.toml").read_text()


def test_author_version_and_translations_load_and_come_back(tmp_path: Path) -> None:
    text = 'author = "Ada"\nversion = "2.1"\n' + LEAST + '[display_names.pt-BR]\n"kind/T%2FShirt" = "Camiseta"\n'
    recipe = parse_recipe(text, "x")
    assert (recipe.author, recipe.version) == ("Ada", "2.1")
    assert recipe.display_names == {"pt-BR": {"kind/T%2FShirt": "Camiseta"}}
    save_recipe(tmp_path / "recipe.toml", recipe)
    assert load_recipe(str(tmp_path / "recipe.toml")) == recipe


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
        (LEAST + "[facets.x]\nlevels = ['c']\ncolumns = ['d']", "either column (one) or levels"),
        (LEAST + "[facets.x]\nlevels = []", "names no column"),
        (LEAST + "a = " + "[" * 3000, "not TOML: its values are nested too deeply"),
        (LEAST + "a = " + "[" * 80 + "]" * 80, "not TOML: its values are nested too deeply"),
        (LEAST + "[facets.x]\ncolumn = 'c'\nseparator = '|'\nexclusive = true", "exclusive = false"),
        (LEAST + "[model]\nstages = '3'", "must be int"),
        (LEAST + "[model]\nstages = true", "must be int"),
        (LEAST + "[model]\nstages = 5", "in 1..4"),
        (LEAST + "[model]\nbackbone = 'resnet99'", "one of resnet10, resnet18, resnet34, resnet50, resnet50v2"),
        (LEAST + "[model]\nhistogram = 2000", "in 0..1188"),
        (LEAST + "[[phases]]\nname = 'a'\nmixup = -0.1", "'a.mixup' must be 0 or more"),
        (LEAST + "[[phases]]\nname = 'a'\nteacher = 'labls'", "'a.teacher' must be one of labels, kernel, not 'labls'"),
        (LEAST + "[[phases]]\nname = 'a'\nteacher = 'kernel'", "must be \"labels\" where layers = 'all'"),
        (
            LEAST + "[model]\npalette = 4\n[[phases]]\nname = 'a'\nlayers = 'head'\nteacher = 'kernel'",
            "where layers = 'head' and a palette learns with the head",
        ),
        (LEAST + "[data]\nfractions = [0.5, 0.2, 0.2]", "sum to 1"),
        (LEAST + "[[phases]]\nname = 'a'\n[[phases]]\nname = 'a'", "different for each phase"),
        (LEAST + "[[phases]]\nname = 'a'\nlayers = 'stage4'", "one of all, head, stage1, stage2, stage3"),
        (LEAST + "[[phases]]\nname = 'a'\nlearning_rate = 0", "above 0"),
        ("data = 3\n" + LEAST, "must be a table"),
        ("version = 2\n" + LEAST, "'version' must be str"),
        ("version = ''\n" + LEAST, "'version' must be a text"),
        (LEAST + "[display_names]\nde = 'Rot'", "[display_names.de] must be a table"),
        (LEAST + "[display_names.de]\n'kind/Red' = 3", "'display_names.de.kind/Red' must be str"),
        (LEAST + "[display_names.German]\n'kind/Red' = 'Rot'", "the locale 'German'; write it as de, pt-BR"),
        (LEAST + "[display_names.'../de']\n'kind/Red' = 'Rot'", "write it as de, pt-BR"),
        (LEAST + "[display_names.de]\n'Red' = 'Rot'", "'Red' is not a tag"),
        (LEAST + "[display_names.de]\n'knd/Red' = 'Rot'", "the facet of 'knd/Red'"),
        (LEAST + "[display_names.de]\n'kind/Red' = \"Rot\\nBlau\"", "one line of text"),
        (LEAST + "[display_names.de]\n'kind/Red' = ' '", "one line of text"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(told)) as refused:
        parse_recipe(text, "mine.toml")
    assert str(refused.value).startswith("mine.toml") and "\n" not in str(refused.value).split("TOML:")[0]


def test_an_unknown_name_lists_the_packaged_recipes() -> None:
    with pytest.raises(RecipeError, match="classes, demo, fashion"):
        load_recipe("fasion")
