"""Columns for whoever reviews the tags: how sure each facet's answer is.

A band is read off the lowest score of a facet's tags: scores are calibrated, and tell right from wrong better than how
far they are above the thresholds does. What the bands are worth: docs/shops.md and edge_tagger.shops.measure_bands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edge_tagger.tagged import TaggedPhoto


@dataclass(frozen=True)
class Bands:
    """Lowest scores of the bands "sure" and "check"; below is "unsure", and a facet without an answer is "none"."""

    sure: float = 0.9
    check: float = 0.7

    def __post_init__(self) -> None:
        if not 0 <= self.check <= self.sure <= 1:
            raise ValueError(
                f"the bands start at sure {self.sure} and check {self.check}; give 0 <= check <= sure <= 1"
            )

    def of(self, tagged: TaggedPhoto, facet: str) -> tuple[str, float | None]:
        """The band of a facet's answer, and the score that decides."""
        score = min((tag.score for tag in tagged.path(facet)), default=None)
        if score is None:
            return "none", None
        return ("sure" if score >= self.sure else "check" if score >= self.check else "unsure"), score


DEFAULT_BANDS = Bands()


def header(facets: Iterable[str]) -> list[str]:
    """The names of the columns that :func:`columns` gives."""
    return [name for facet in facets for name in (f"review_{facet}", f"score_{facet}")]


def columns(tagged: TaggedPhoto, facets: Iterable[str], bands: Bands = DEFAULT_BANDS) -> dict[str, str]:
    """`review_FACET`, the band, and `score_FACET`, three decimals or blank, for each facet."""
    row: dict[str, str] = {}
    for facet in facets:
        band, score = bands.of(tagged, facet)
        row |= {f"review_{facet}": band, f"score_{facet}": "" if score is None else f"{score:.3f}"}
    return row
