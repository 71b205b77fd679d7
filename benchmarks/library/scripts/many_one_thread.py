"""many_one_thread.py MODEL LIST: one photo after another on one thread. LIST has one path a line.

After the first photo, and when all are done, it prints a line and waits for one.
"""

import sys


def main(model: str, photos: str) -> None:
    from pathlib import Path

    from edge_tagger import Tagger

    paths = Path(photos).read_text(encoding="utf-8").splitlines()
    with Tagger(model, threads=1) as tagger:
        tagger.tag(paths[0])
        print("ready", flush=True)
        input()
        for path in paths:
            tagger.tag(path)
        print("done", flush=True)
        input()


if __name__ == "__main__":
    main(*sys.argv[1:])
