"""Writes golden_decoding.json: python tests/data/make_golden_decoding.py.

Each case is a manifest and photos: score vectors (`scores`, or `stored` uint8 with `scale` and `zero_point`) and the
tags that edge_tagger gives for them. The decoders in Kotlin and on the Pi are held to the same file. Look at the
difference before you commit a new one: it says what every app would answer otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edge_tagger.manifest import Manifest
from edge_tagger.tagger import decode
from edge_tagger.taxonomy import Facet, Tag, Taxonomy

PATH = Path(__file__).resolve().parent / "golden_decoding.json"
SCALE = 1 / 256


def _manifest(facets: tuple[Facet, ...], tags: dict[str, float]) -> Manifest:
    taxonomy = Taxonomy(facets, tuple(Tag.from_id(identity) for identity in tags))
    return Manifest("golden", 8, taxonomy, thresholds=tuple(tags.values()))


COLOUR = _manifest(
    (Facet("colour", ("group", "colour")),),
    {"colour/Cool": 0.5, "colour/Cool/Blue": 0.5, "colour/Cool/Green": 0.5, "colour/Warm": 0.5, "colour/Warm/Red": 0.5},
)
ANY_OF = _manifest(
    (Facet("details", ("details",), exclusive=False, separator="|", none="none"),),
    {"details/pocket": 0.3, "details/stripe": 0.7, "details/zip": 0.45},
)
DEEP = _manifest(
    (
        Facet("category", ("a", "b", "c", "d", "e")),
        Facet("parts", ("parts",), exclusive=False, separator="|"),
        Facet("empty", ("empty",)),
    ),
    {
        "category/A": 0.1,
        "category/A/B": 0.2,
        "parts/P": 0.5,
        "category/A/B/C": 0.3,
        "category/A/B/C/D": 0.4,
        "category/A/B/C/D/E": 0.5,
        "parts/P/50%25 wool %2F silk": 0.5,
        "parts/P/50%25 wool %2F silk/fein & größer": 0.25,
        "category/Short": 0.6,
        "parts/P/Q": 0.5,
    },
)

SCORES: dict[str, tuple[Manifest, list[list[float]]]] = {
    "exclusive, two levels": (
        COLOUR,
        [
            [0.9, 0.8, 0.1, 0.2, 0.1],
            [0.6, 0.4, 0.3, 0.5, 0.9],  # the better mean wins, not the better root
            [0.1, 0.9, 0.2, 0.3, 0.3],  # the child lifts its parent
            [0.9, 0.45, 0.1, 0.2, 0.1],  # the path ends above the first tag under its threshold
        ],
    ),
    "ties": (
        COLOUR,
        [
            [0.5, 0.5, 0.5, 0.5, 0.5],  # the first path in output order
            [0.75, 0.5, 0.5, 0.5, 0.75],  # three paths with one mean
            [0.25, 0.75, 0.75, 0.75, 0.25],
        ],
    ),
    "nothing is sure": (COLOUR, [[0.1, 0.2, 0.3, 0.4, 0.3], [0.0, 0.0, 0.0, 0.0, 0.0]]),
    "any-of alone": (ANY_OF, [[0.3, 0.7, 0.45], [0.29, 0.71, 0.44], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]),
    # As float32, 0.7 is a little more than 0.7 and 0.45 a little less: thresholds are compared as float32 too.
    "a threshold met exactly": (ANY_OF, [[float(np.float32(t)) for t in (0.3, 0.7, 0.45)]]),
    "a threshold missed by the smallest step": (
        ANY_OF,
        [[float(np.nextafter(np.float32(t), np.float32(0))) for t in (0.3, 0.7, 0.45)]],
    ),
    "deep, facets interleaved, names with / and %": (
        DEEP,
        [
            [0.2, 0.2, 0.5, 0.3, 0.4, 0.9, 0.5, 0.5, 0.6, 0.49],
            [0.05, 0.1, 0.4, 0.1, 0.1, 0.45, 0.3, 0.8, 0.3, 0.9],
            [0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 0.45, 0.3, 0.61, 0.55],
            [0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3],
        ],
    ),
}


def cases() -> list[dict[str, Any]]:
    """The cases as plain JSON values."""
    found = []
    for name, (manifest, vectors) in SCORES.items():
        exact = [np.array(vector, np.float32) for vector in vectors]
        photos = [{"scores": scores.tolist(), "tags": decode(scores, manifest).to_json()["tags"]} for scores in exact]
        found.append({"name": name, "manifest": manifest.to_json(), "photos": photos})
    generator = np.random.default_rng(0)
    photos = []
    # Few levels make many ties; a zero point that is not 0 makes negative scores.
    for stored, zero_point in [(generator.choice([0, 64, 77, 128, 255], 10), place // 9 * 3) for place in range(12)]:
        scores = (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(SCALE)
        photo = {"stored": stored.tolist(), "scale": SCALE, "zero_point": zero_point}
        photos.append({**photo, "tags": decode(scores, DEEP).to_json()["tags"]})
    found.append({"name": "stored as uint8, scale 1/256", "manifest": DEEP.to_json(), "photos": photos})
    return found


def main() -> None:
    # One photo a line keeps differences readable.
    lines = []
    for case in cases():
        photos = ",\n  ".join(json.dumps(photo, ensure_ascii=False) for photo in case["photos"])
        head = json.dumps({"name": case["name"], "manifest": case["manifest"]}, ensure_ascii=False)
        lines.append(f'{head[:-1]}, "photos": [\n  {photos}\n]}}')
    PATH.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(f"{PATH.name}: {PATH.stat().st_size} bytes")


if __name__ == "__main__":
    main()
