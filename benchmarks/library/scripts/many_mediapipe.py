"""many_mediapipe.py MODEL LIST: as many_one_thread.py; runs in an environment that has mediapipe."""

import sys


def main(model: str, photos: str) -> None:
    from pathlib import Path

    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    paths = Path(photos).read_text(encoding="utf-8").splitlines()
    options = vision.ImageClassifierOptions(BaseOptions(model_asset_path=model))
    with vision.ImageClassifier.create_from_options(options) as classifier:
        classifier.classify(mp.Image.create_from_file(paths[0]))
        print("ready", flush=True)
        input()
        for path in paths:
            classifier.classify(mp.Image.create_from_file(path))
        print("done", flush=True)
        input()


if __name__ == "__main__":
    main(*sys.argv[1:])
