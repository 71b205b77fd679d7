"""What a recipe says of a model beyond its training reaches the manifest."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edge_tagger.train.prepare import prepare
from edge_tagger.train.recipe_file import load_recipe
from edge_tagger.train.run import RunFolder


def test_author_version_and_translations_reach_the_manifest(
    drawn: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"de": {"colour/red": "Rot", "colour/rde": "Rot", "colour/mauve": "Lila"}, "fr": {"colour/red": "rouge"}}
    recipe = dataclasses.replace(load_recipe(str(data / "tiny.toml")), author="Ada", version="3", display_names=names)
    run = RunFolder.open(tmp_path / "run", recipe, resume=False)
    prepare(drawn, recipe, run, None)
    manifest = run.read_manifest()
    assert (manifest.author, manifest.version) == ("Ada", "3")
    assert manifest.display_names == {"de": {"colour/red": "Rot"}, "fr": {"colour/red": "rouge"}}
    told = capsys.readouterr().err
    assert "2 tags that this model does not have (colour/mauve, colour/rde)" in told
