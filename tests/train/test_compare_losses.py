from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge_tagger.errors import RecipeError
from edge_tagger.taxonomy import Facet, Tag, Taxonomy
from edge_tagger.train import compare_losses as module
from edge_tagger.train.compare_losses import LOSSES, compare_losses, figures, markdown
from edge_tagger.train.recipe import LossOptions, Phase, Recipe
from edge_tagger.train.recipe_file import save_recipe

TAXONOMY = Taxonomy(
    (Facet("category", ("broad", "fine")), Facet("details", ("details",), exclusive=False)),
    (
        Tag("category", ("Shoes",)),
        Tag("category", ("Bags",)),
        Tag("category", ("Shoes", "Heels")),
        Tag("category", ("Shoes", "Flats")),
        Tag("details", ("logo",)),
    ),
)


def test_figures_are_top1_of_each_level_and_of_any_of_facets_none() -> None:
    targets = np.array([[1, 0, 1, 0, 1], [1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [1, 0, -1, -1, 0]], np.int8)
    logits = np.float32([[3, -3, 3, -3, 3], [3, -3, 2, -3, -3], [-3, 3, -3, -3, -3], [-3, 3, -3, -3, -3]])
    found = figures(np.repeat(targets, 20, axis=0), np.repeat(logits, 20, axis=0), TAXONOMY)
    assert list(found) == ["mAP macro", "consistent", "mAP micro", "broad", "fine"]
    assert found["broad"] == 0.75 and found["fine"] == 0.5
    assert 0.5 < found["mAP macro"] < 1


def test_a_row_of_the_table_is_mean_and_spread_over_seeds() -> None:
    assert markdown("focal", [{"a": 0.5, "b": 0.25}, {"a": 0.52, "b": 0.25}]) == "| focal | 51.0 ±1.4 | 25.0 ±0.0 |"
    assert markdown("focal", [{"a": 0.5}]) == "| focal | 50.0 |"


def test_every_loss_of_the_recipe_is_compared() -> None:
    from edge_tagger.train.recipe import LOSSES as KINDS

    assert {options.kind for options in LOSSES.values()} == set(KINDS)
    assert len(set(LOSSES.values())) == len(LOSSES)


def test_heads_start_and_go_alike_for_each_loss_and_otherwise_for_each_seed(
    drawn: Path, head_recipe: Recipe, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phase = replace(head_recipe.phases[0], learning_rate=0.03)  # heads end where few photos tell them apart
    recipe = replace(head_recipe, phases=(phase,))
    same = LossOptions(coherent=False)
    monkeypatch.setattr(module, "LOSSES", {"one": same, "other": same, "focal": LossOptions("focal")})
    rows = dict(compare_losses(drawn, recipe, pretrained, cache=tmp_path / "cache", seeds=(0, 1)))
    assert rows["one"] == rows["other"]
    assert rows["one"][0] != rows["one"][1] and rows["one"][0] != rows["focal"][0]
    assert list((tmp_path / "cache").rglob("view2-*.npy")), "the features were not kept"


def test_the_command_prints_a_table_and_names_what_is_wrong(
    drawn: Path, head_recipe: Recipe, pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOSSES", {"binary_crossentropy": LossOptions()})
    save_recipe(tmp_path / "recipe.toml", head_recipe)
    options = ["--recipe", str(tmp_path / "recipe.toml"), "--cache", str(tmp_path / "cache"), "--seeds", "1"]
    done = CliRunner().invoke(module.command, [str(drawn), *options, "--weights", str(pretrained)])
    assert done.exit_code == 0
    head, line, row = done.stdout.splitlines()
    assert head == "| loss | mAP macro | consistent | mAP micro | department | type | colour |"
    assert line.count("|") == row.count("|") == 8 and row.startswith("| binary_crossentropy |")

    refused = CliRunner().invoke(module.command, [str(drawn), *options, "--weights", "none"])
    assert refused.exit_code == 3 and refused.stderr.startswith("Error: ") and refused.stderr.count("\n") == 1


def test_a_recipe_whose_head_is_not_trained_first_is_refused(head_recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(head_recipe, phases=(Phase("whole"),))
    with pytest.raises(RecipeError, match='layers = "head"'):
        next(compare_losses(tmp_path / "x.csv", recipe, tmp_path / "x", cache=tmp_path, seeds=(0,)))
