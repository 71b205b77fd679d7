"""first_tags_edge_tagger.py MODEL THREADS PHOTO..."""

import sys


def main(model: str, threads: str, *photos: str) -> None:
    from edge_tagger import Tagger

    with Tagger(model, threads=int(threads)) as tagger:
        for photo in photos:
            print(*(tag.tag for tag in tagger.tag(photo).tags), sep=", ", flush=True)
            input()


if __name__ == "__main__":
    main(*sys.argv[1:])
