"""first_tags_mediapipe.py MODEL PHOTO...: runs in an environment that has mediapipe. It chooses its own threads."""

import sys


def main(model: str, *photos: str) -> None:
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(BaseOptions(model_asset_path=model))
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for photo in photos:
            found = classifier.classify(mp.Image.create_from_file(photo))
            print("the best is", found.classifications[0].categories[0].category_name, flush=True)
            input()


if __name__ == "__main__":
    main(*sys.argv[1:])
