"""Groups of photos shared out over splits so that each tag keeps its share in each.

Iterative stratification: Konstantinos Sechidis, Grigorios Tsoumakas and Ioannis Vlahavas, "On the Stratification of
Multi-Label Data", ECML PKDD 2011; here on whole groups, the largest first, so that the small ones can even out.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def stratify(
    tags: Sequence[Mapping[Hashable, int]], sizes: Sequence[int], fractions: Sequence[float], *, seed: int
) -> list[int]:
    """The split (a place in `fractions`) of each group.

    `tags` says of each group how many of its photos have which tag, `sizes` how many photos it has. The tag with the
    fewest groups left goes first, and each of its groups to the split that lacks most photos of that tag. A split
    of fraction 0 gets nothing. The same input and seed give the same answer.
    """
    order = _shuffled_by_size(sizes, seed)
    shares = np.array(fractions, dtype=np.float64)
    room = shares * sum(sizes)
    holders: dict[Hashable, list[int]] = {}
    totals: dict[Hashable, int] = {}
    for group in order:
        for tag, count in tags[group].items():
            holders.setdefault(tag, []).append(group)
            totals[tag] = totals.get(tag, 0) + count
    wanted = {tag: shares * count for tag, count in totals.items()}
    left = {tag: len(groups) for tag, groups in holders.items()}
    answer = [-1] * len(sizes)

    def place(group: int, split: int) -> None:
        answer[group] = split
        room[split] -= sizes[group]
        for tag, count in tags[group].items():
            wanted[tag][split] -= count
            left[tag] -= 1

    while left:
        tag = min(left, key=left.__getitem__)  # the first of equals, in order of appearance
        for group in holders[tag]:
            if answer[group] < 0:
                place(group, _neediest(shares, wanted[tag], room))
        del left[tag]
    for group in order:
        if answer[group] < 0:
            place(group, _neediest(shares, room, room))
    return answer


def _shuffled_by_size(sizes: Sequence[int], seed: int) -> list[int]:
    """Groups from the largest to the smallest, in random order among equals."""
    shuffled = np.random.default_rng(seed).permutation(len(sizes)).tolist()
    return sorted(shuffled, key=lambda group: -sizes[group])


def _neediest(shares: NDArray[np.float64], wanted: NDArray[np.float64], room: NDArray[np.float64]) -> int:
    """The split that lacks most of a tag, then most photos; rounded, so that 0.1 + 0.2 is no different from 0.3."""
    open_splits = [split for split in range(len(shares)) if shares[split] > 0]
    return max(open_splits, key=lambda split: (round(float(wanted[split]), 6), round(float(room[split]), 6), -split))
