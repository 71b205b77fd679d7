"""Each tag on its own, the worst first; and the tags that lose most from one model to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_tagger.measure import Measured
from edge_tagger.metrics import average_precision, micro_f1
from edge_tagger.taxonomy import Tag

_VISIBLE = 0.0005  # a difference below reads as 0.0 points
MIN_POSITIVES = 5  # below, one photo more or less moves precision and recall by 20 points or more


@dataclass(frozen=True)
class TagRow:
    """One tag on what is known of the photos: `support` have it, `said` were given it, `right` both.

    Shares are 0..1, or None where they have no denominator.
    """

    tag: Tag
    support: int
    said: int
    right: int
    f1: float | None
    average_precision: float | None
    threshold: float

    @property
    def precision(self) -> float | None:
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        return self.right / self.support if self.support else None

    @property
    def can_tell(self) -> bool:
        """Whether there are photos enough to judge the tag by."""
        return self.support >= MIN_POSITIVES


@dataclass(frozen=True)
class Change:
    """Average precision of one tag in two models."""

    tag: Tag
    support: int
    before: float
    after: float

    @property
    def difference(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Delta:
    """How the tags that two models share fare in the second: the worst losses, and how many won or lost."""

    before: str
    after: str
    worst: tuple[Change, ...]
    better: int
    worse: int
    mean: float | None


def tag_rows(measured: Measured) -> list[TagRow]:
    """Every tag, by rising F1 (then average precision); those with too few positives to tell come last."""
    manifest = measured.manifest
    rows = []
    for place, (tag, threshold) in enumerate(zip(manifest.taxonomy.tags, manifest.thresholds, strict=True)):
        targets, answers = measured.targets[:, place], measured.answers[:, place]
        rows.append(
            TagRow(
                tag,
                support=int(np.count_nonzero(targets == 1)),
                said=int(np.count_nonzero((targets >= 0) & answers)),
                right=int(np.count_nonzero((targets == 1) & answers)),
                f1=micro_f1(targets, answers),
                average_precision=average_precision(targets, measured.scores[:, place]),
                threshold=threshold,
            )
        )
    return sorted(rows, key=lambda row: (not row.can_tell, row.f1 or 0.0, row.average_precision or 0.0))


def delta(first: Measured, second: Measured, *, count: int = 10) -> Delta:
    """From `first` to `second` over the tags of both that can be told; `worst` are at most `count` that lost."""
    before = {row.tag: row for row in tag_rows(first) if row.can_tell}
    changes = [
        Change(row.tag, row.support, old, row.average_precision)
        for row in tag_rows(second)
        if row.average_precision is not None
        and row.tag in before
        and (old := before[row.tag].average_precision) is not None
    ]
    changes.sort(key=lambda change: change.difference)
    lost = [change for change in changes if change.difference <= -_VISIBLE]
    return Delta(
        first.name,
        second.name,
        worst=tuple(lost[:count]),
        better=sum(change.difference >= _VISIBLE for change in changes),
        worse=len(lost),
        mean=sum(change.difference for change in changes) / len(changes) if changes else None,
    )
