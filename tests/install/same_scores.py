"""Holds the scores that several environments gave against the first: python same_scores.py FILE.npz...

Runs with numpy alone. The same LiteRT must give the same bytes; another runtime rounds otherwise inside the network,
and may differ by up to MAX_DIFFERENCE. Ends with 1 where more differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

MAX_DIFFERENCE = 0.15  # tflite-runtime 2.14 against LiteRT 2.3: up to 0.055 here, up to 0.14 on 400 product photos


def main(first: str, *others: str) -> int:
    expected = np.load(first)
    print(f"{Path(first).stem}: {expected['runtime']}")
    wrong = 0
    for other in others:
        given = np.load(other)
        largest = float(np.abs(given["scores"] - expected["scores"]).max())
        allowed = 0.0 if given["runtime"] == expected["runtime"] else MAX_DIFFERENCE
        wrong += largest > allowed
        same = int((given["tags"] == expected["tags"]).sum())
        told = f"scores differ by up to {largest:.3f}, tags are the same of {same} of {len(expected['tags'])} photos"
        told = "the same scores" if largest == 0 else told
        print(f"{Path(other).stem}: {given['runtime']}: {told}{'' if largest <= allowed else ', TOO MUCH'}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
