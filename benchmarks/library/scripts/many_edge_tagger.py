"""many_edge_tagger.py MODEL WORKERS LIST COUNT...: tag_many over the photos of a list, again and again.

LIST has one path a line. After the first photo, and when each COUNT is reached, it prints a line and waits for one.
WORKERS is a number or "auto".
"""

import sys


def main(model: str, workers: str, photos: str, *counts: str) -> None:
    from itertools import cycle, islice
    from pathlib import Path

    from edge_tagger import Tagger

    paths = Path(photos).read_text(encoding="utf-8").splitlines()
    wanted = {int(count) for count in counts}
    with Tagger(model) as tagger:
        tagger.tag(paths[0])
        print("ready", flush=True)
        input()
        repeated = islice(cycle(paths), max(wanted))
        tagged = tagger.tag_many(repeated, workers=None if workers == "auto" else int(workers))
        for number, _ in enumerate(tagged, start=1):
            if number in wanted:
                print(number, flush=True)
                input()


if __name__ == "__main__":
    main(*sys.argv[1:])
