from __future__ import annotations

from dataclasses import replace

import pytest

from edge_tagger.measure import Measured
from edge_tagger.train.report.tags import delta, tag_rows


def test_each_tag_against_counting_by_hand(measured: Measured) -> None:
    rows = {row.tag.name: row for row in tag_rows(measured)}
    red, blue, detail, never = rows["Red"], rows["Blue"], rows["<b>&"], rows["never"]
    assert (red.support, red.said, red.right) == (6, 7, 5)
    assert (red.precision, red.recall, red.f1) == pytest.approx((5 / 7, 5 / 6, 10 / 13))
    assert (blue.precision, blue.recall, blue.f1) == pytest.approx((4 / 5, 4 / 6, 8 / 11))
    # Ranked by score: a wrong one, five right, a wrong one, one right behind it.
    assert red.average_precision == pytest.approx((5 * 5 / 6 + 6 / 8) / 6)
    assert (detail.support, detail.said, detail.right, detail.can_tell) == (3, 3, 2, False)
    assert never.support == never.said == 0
    assert never.precision is never.recall is never.average_precision is None
    assert red.threshold == 0.5


def test_the_worst_tag_stands_first_and_what_cannot_be_told_last(measured: Measured) -> None:
    names = [row.tag.name for row in tag_rows(measured)]
    assert names[:3] == ["Blue", "Red", "One"]
    assert set(names[3:]) == {"<b>&", "never"}


def test_the_tags_that_lose_most(measured: Measured, float_model: Measured) -> None:
    change = delta(float_model, measured)
    assert (change.before, change.after) == (float_model.name, measured.name)
    assert [each.tag.name for each in change.worst] == ["Red", "Blue"]  # the detail has too few photos
    assert (change.better, change.worse) == (0, 2)
    assert change.worst[0].before == 1.0
    assert change.worst[0].after == pytest.approx((5 * 5 / 6 + 6 / 8) / 6)
    assert change.mean == pytest.approx(sum(each.difference for each in change.worst) / 3)
    assert [each.tag.name for each in delta(float_model, measured, count=1).worst] == ["Red"]
    back = delta(measured, float_model)
    assert (back.worst, back.better, back.worse) == ((), 2, 0)


def test_models_that_share_no_tag_have_no_difference(measured: Measured) -> None:
    taxonomy = measured.manifest.taxonomy
    tags = tuple(replace(tag, path=(f"{tag.name} 2",)) for tag in taxonomy.tags)
    other = replace(measured, manifest=replace(measured.manifest, taxonomy=replace(taxonomy, tags=tags)))
    change = delta(measured, other)
    assert change.worst == () and change.mean is None
