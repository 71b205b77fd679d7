from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_tagger.catalogue.stratify import stratify

FRACTIONS = (0.8, 0.1, 0.1)


def random_groups(seed: int) -> tuple[list[Counter[str]], list[int]]:
    """300 groups of 1 to 12 photos, tags of very different frequency."""
    rng = np.random.default_rng(seed)
    chances = 0.5 / np.arange(1, 21)
    sizes = np.minimum(rng.geometric(0.5, 300), 12).tolist()
    tags = [Counter({f"t{t}": int(n) for t, n in enumerate(rng.binomial(size, chances)) if n}) for size in sizes]
    return tags, sizes


@pytest.mark.parametrize("seed", range(8))
def test_splits_keep_their_share_and_every_tag_with_enough_groups(seed: int) -> None:
    tags, sizes = random_groups(seed)
    chosen = stratify(tags, sizes, FRACTIONS, seed=seed)
    photos = np.bincount(chosen, weights=sizes, minlength=3) / sum(sizes)
    assert np.abs(photos - FRACTIONS).max() < 0.03
    for tag in {tag for found in tags for tag in found}:
        holders = [split for split, found in zip(chosen, tags, strict=True) if found[tag]]
        if len(holders) >= 12:
            assert set(holders) == {0, 1, 2}, (tag, Counter(holders))


def test_the_seed_decides() -> None:
    tags, sizes = random_groups(0)
    first = stratify(tags, sizes, FRACTIONS, seed=1)
    assert first == stratify(tags, sizes, FRACTIONS, seed=1)
    assert first != stratify(tags, sizes, FRACTIONS, seed=2)


def test_a_split_of_nothing_gets_nothing() -> None:
    tags, sizes = random_groups(0)
    assert set(stratify(tags, sizes, (0.5, 0.5, 0.0), seed=0)) == {0, 1}


def test_groups_without_tags_fill_the_splits() -> None:
    assert Counter(stratify([{}] * 10, [1] * 10, FRACTIONS, seed=0)) == {0: 8, 1: 1, 2: 1}
