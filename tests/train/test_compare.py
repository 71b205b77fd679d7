from __future__ import annotations

from edge_tagger.train.compare import standing


def test_a_tenth_of_a_point_of_one_figure_does_not_outweigh_a_point_of_another() -> None:
    def row(macro: float | None, *top1: float | None) -> dict[str, object]:
        return {"map_macro": macro, "facets": {str(place): {"top1": value} for place, value in enumerate(top1)}}

    assert standing(row(0.779, 0.912, 0.685)) > standing(row(0.781, 0.901, 0.685))
    # A facet that is not exclusive has no top-1.
    assert standing(row(0.5, None, 0.7)) == standing(row(None, 0.6)) == 0.6
    assert standing(row(None)) == 0.0
