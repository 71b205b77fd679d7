"""What `Tagger` makes of photos, for compare.py to hold MediaPipe against. Runs in our environment.

    python tests/mediapipe/write_scores.py MODELS OUT [--data products.csv] [--photos 200]

OUT gets `raw.npz` (the photos as they are), `NAME.tflite.npz` for each model of the folder MODELS (photos resized to
S x S, and the scores of both), and `plan.json`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.images import Pixels, load_photo, resize
from edge_tagger.manifest import Manifest
from edge_tagger.tagger import Tagger
from edge_tagger.taxonomy import Tag
from edge_tagger.train.synthetic.catalogue import draw_catalogue

RESIZED = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, help="a CSV with a split column, of which val is taken; default: drawn")
    parser.add_argument("--photos", type=int, default=200)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.data:
        source, catalogue = options.data, read_catalogue(options.data).where("split", "val")
    else:  # of another seed than the demo, so that no model has seen them
        source = draw_catalogue(options.out / "drawn", photos=options.photos, seed=1)
        catalogue = read_catalogue(source)
    photos = [load_photo(photo.path) for photo in catalogue.photos[: options.photos]]
    np.savez(options.out / "raw.npz", *photos)
    models = sorted(options.models.glob("*.tflite"))
    if not models or len(photos) < options.photos:
        raise SystemExit(f"{len(models)} models in {options.models}, {len(photos)} photos in {source}: too few")
    plan = [write(model, photos, catalogue.columns, options.out) for model in models]
    (options.out / "plan.json").write_text(json.dumps(plan, ensure_ascii=False, indent=1), encoding="utf-8")


def write(model: Path, photos: list[Pixels], columns: Sequence[str], out: Path) -> dict[str, object]:
    """The entry of one model in plan.json; "at_home" says whether photos with these columns are of its kind."""
    with Tagger(model) as tagger:
        assert tagger.manifest is not None
        resized = np.stack([resize(photo, tagger.manifest.image_size) for photo in photos[:RESIZED]])
        np.savez(
            out / f"{model.name}.npz",
            resized=resized,
            resized_scores=np.stack([tagger.scores(photo) for photo in resized]),
            raw_scores=np.stack([tagger.scores(photo) for photo in photos]),
        )
        asked = {column for facet in tagger.manifest.taxonomy.facets for column in facet.columns}
        at_home = asked <= set(columns)
        scores = {"model": str(model.resolve()), "scores": f"{model.name}.npz", "at_home": at_home}
        return {**scores, **described(tagger.manifest)}


def described(manifest: Manifest) -> dict[str, object]:
    """Labels, display names of each locale, and for each facet the paths of which one is its top: lists of places."""
    taxonomy, tags = manifest.taxonomy, manifest.taxonomy.tags
    paths = defaultdict(list)
    for place, tag in enumerate(tags):
        if not taxonomy.facet(tag.facet).exclusive:
            paths[tag.facet].append([place])
        elif place not in taxonomy.children:
            above = [tag.path[: depth + 1] for depth in range(len(tag.path))]
            paths[tag.facet].append([taxonomy.index[Tag(tag.facet, path)] for path in above])
    names = {"en": {}, **manifest.display_names}
    return {
        "labels": [tag.id for tag in tags],
        "display_names": {locale: [own.get(tag.id, tag.name) for tag in tags] for locale, own in names.items()},
        "paths": paths,
    }


if __name__ == "__main__":
    main()
