"""MediaPipe Tasks against `Tagger`: loads every model and holds scores and labels against what write_scores.py wrote.

    python tests/mediapipe/compare.py OUT

Runs in an environment of its own, with mediapipe and numpy alone: its OpenCV clashes with ours. Prints one line
for each model, writes OUT/result.json, and ends with 1 where a model is refused, a label differs, a score of a photo
that is S x S already differs, or the top tags of raw photos of its kind agree on less than 90 %.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mediapipe as mp
import numpy as np

TOLERANCE = 1 / 256  # a step of an int8 sigmoid
MIN_AGREEMENT = 0.90  # the goal is 95 %, which colour misses in int8: docs/metadata.md


def main() -> None:
    out = Path(sys.argv[1])
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    with np.load(out / "raw.npz") as stored:
        raw = [stored[f"arr_{place}"] for place in range(len(stored.files))]
    print(f"mediapipe {version('mediapipe')}, {len(raw)} raw photos")
    results = [compare(entry, out, raw) for entry in plan]
    (out / "result.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    sys.exit(any(result["failures"] for result in results))


def compare(entry: dict[str, Any], out: Path, raw: list[np.ndarray]) -> dict[str, Any]:
    """The figures of one model, "failures" among them."""
    name = Path(entry["model"]).name
    with np.load(out / entry["scores"]) as stored:
        resized, wanted, wanted_raw = (stored[key] for key in ("resized", "resized_scores", "raw_scores"))
    try:
        failures = [told for locale in entry["display_names"] for told in wrong_labels(entry, locale, resized[0])]
        with classifier(entry["model"]) as found:
            difference = np.abs(scores(found, resized) - wanted)
            seen = scores(found, raw)
    except (RuntimeError, ValueError) as error:
        print(f"{name}: REFUSED: {error}")
        return {"model": name, "accepted": False, "failures": [str(error)]}
    raw_difference = np.abs(seen - wanted_raw)
    agreement = {
        facet: float(np.mean(top(seen, paths) == top(wanted_raw, paths))) for facet, paths in entry["paths"].items()
    }
    if difference.max() > TOLERANCE:
        failures.append(f"scores of photos of S x S differ by up to {difference.max():.5f}")
    # Of photos of another kind than its own a model is not sure, and any sampling grid tips its scales.
    if entry["at_home"]:
        low = {facet: share for facet, share in agreement.items() if share < MIN_AGREEMENT}
        failures += [f"{facet}: top tags agree on {share:.1%}" for facet, share in low.items()]
    print(
        f"{name}: {'FAILED: ' + '; '.join(failures) if failures else 'ok'}; S x S: worst {difference.max():.2g}; "
        f"raw: mean {raw_difference.mean():.4f}, worst {raw_difference.max():.3f}, "
        f"same top tag: {', '.join(f'{facet} {share:.1%}' for facet, share in agreement.items())}",
        flush=True,
    )
    return {
        "model": name,
        "accepted": True,
        "resized_worst": float(difference.max()),
        "raw_mean": float(raw_difference.mean()),
        "raw_worst": float(raw_difference.max()),
        "raw_agreement": agreement,
        "failures": failures,
    }


def classifier(model: str, locale: str = "en") -> Any:
    options = mp.tasks.vision.ImageClassifierOptions(
        base_options=mp.tasks.BaseOptions(model_asset_path=model), max_results=-1, display_names_locale=locale
    )
    return mp.tasks.vision.ImageClassifier.create_from_options(options)


def categories(found: Any, photo: np.ndarray) -> list[Any]:
    """All tags in output order."""
    image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(photo))
    (head,) = found.classify(image).classifications
    return sorted(head.categories, key=lambda category: category.index)


def scores(found: Any, photos: Any) -> np.ndarray:
    """float32 [photos, N]"""
    return np.array([[category.score for category in categories(found, photo)] for photo in photos], dtype=np.float32)


def top(given: np.ndarray, paths: list[list[int]]) -> np.ndarray:
    """For scores [photos, N] which path has the highest mean score: the one that Tagger answers with."""
    return np.stack([given[:, path].mean(axis=1) for path in paths], axis=1).argmax(axis=1)


def wrong_labels(entry: dict[str, Any], locale: str, photo: np.ndarray) -> list[str]:
    with classifier(entry["model"], locale) as found:
        given = categories(found, photo)
    wanted = list(zip(range(len(entry["labels"])), entry["labels"], entry["display_names"][locale], strict=True))
    shown = [(category.index, category.category_name, category.display_name) for category in given]
    return [] if shown == wanted else [f"labels of the locale {locale} differ from the manifest's"]


if __name__ == "__main__":
    main()
