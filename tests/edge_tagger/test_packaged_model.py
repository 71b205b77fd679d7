"""The model that comes with the package, as a user gets it, on photos that it has never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_tagger import Tagger
from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.evaluate import evaluate
from edge_tagger.interpreter import Model
from edge_tagger.tagger import DEFAULT_MODEL

MODEL = Path(__file__).resolve().parents[2] / "edge_tagger" / "models" / DEFAULT_MODEL


def test_it_is_an_int8_file_that_knows_its_tags_and_their_source() -> None:
    with Tagger() as tagger:
        (pixels,), manifest = tagger.model.inputs, tagger.manifest
        assert manifest is not None
        assert (pixels.dtype, pixels.scale, pixels.zero_point) == ("uint8", 1.0, 0)
        assert [facet.name for facet in manifest.taxonomy.facets] == ["category", "colour", "gender", "usage", "season"]
        assert len(manifest.taxonomy) == 115
        assert manifest.provenance["weights_sha256"] and manifest.provenance["photos"]["train"] == 6097


def test_its_graph_is_sound_which_a_tagger_takes_for_granted() -> None:
    assert Model(MODEL.read_bytes()).num_scores == 115  # of bytes, which are looked through


@pytest.mark.shared
def test_it_reaches_its_figures_on_the_test_split(shared: Path) -> None:
    catalogue = read_catalogue(shared / "data" / "fashion-products" / "products.csv").where("split", "test")
    (row,) = evaluate([MODEL], catalogue)["models"]
    levels = {name: level["top1"] for facet in row["facets"].values() for name, level in facet["levels"].items()}
    assert row["photos"] == 876
    assert levels["articleType"] >= 0.877
    assert levels["colourGroup"] >= 0.756
    assert levels["gender"] >= 0.927
    assert row["map_macro"] >= 0.772
