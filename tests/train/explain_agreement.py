"""How well explanations of the released int8 file agree with gradients, and with what happens to scores.

    python tests/train/explain_agreement.py products.csv [PHOTOS] [INT8 FLOAT16]

Draws PHOTOS (60) from the test split and takes the tags that each gets. Prints

- the correlation of the int8 file's maps, of the float16 file's, with gradient times activation of the Keras model
  that the float16 file's weights give, by tf.GradientTape;
- the drop of a tag's logit when the fifth of the places with the most heat is painted over in the colour of the border,
  beside that for random places, for those with the most product, and for the least heat;
- the share of heat (above zero) that lies on the product, what differs from the border, beside its share of the photo.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from keras_contributions import KerasContributions, correlation, pooled_layers
from numpy.typing import NDArray
from tqdm import tqdm

from edge_tagger.catalogue.source import read_catalogue
from edge_tagger.explain.class_activation import Explainer
from edge_tagger.images import load_resized
from edge_tagger.interpreter import Model
from edge_tagger.manifest import read_manifest
from edge_tagger.tagger import decode
from edge_tagger.train.resnet import build, set_weights
from edge_tagger.train.weights import read_pretrained

MODELS = Path(__file__).parents[2] / "edge_tagger" / "models"
SHARE = 0.2
APART = 24  # levels of 256 by which a pixel of the product differs from the border


def main(source: Path, photos: int, int8: Path, float16: Path) -> None:
    manifest = read_manifest(float16)
    tags = manifest.taxonomy.tags
    options = dict(manifest.provenance["model"])
    keras = build(**options, tags=len(tags), folded=True)
    names = [tag.id for tag in tags]
    missing = set_weights(keras, read_pretrained(float16, options["backbone"], options["stages"], tags=names))
    assert not missing, missing
    true = KerasContributions(keras, pooled_layers(keras))
    model = Model(int8)
    small, half = Explainer(model, tags), Explainer(Model(float16), tags)
    test = read_catalogue(source).where("split", "test").photos
    rng = np.random.default_rng(0)
    agreement: dict[str, list[float]] = {}
    drops: dict[str, list[float]] = {}
    on_product: list[tuple[float, float]] = []
    for number in tqdm(rng.permutation(len(test))[:photos], unit="photos"):
        pixels = load_resized(test[number].path, model.input_size)
        given = [tag.tag for tag in decode(model.scores(pixels), manifest).tags]
        if not given:
            continue
        expected = true(pixels, [names.index(tag) for tag in given])
        found, floats = small.explain(pixels, given), half.explain(pixels, given)
        border = np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]), axis=0)
        apart = (np.abs(pixels - border).max(-1) > APART).astype(np.float32)
        for each, float_one, truth in zip(found, floats, expected, strict=True):
            agreement.setdefault("int8 map, Keras gradients", []).append(correlation(each.map, truth))
            agreement.setdefault("float16 map, Keras gradients", []).append(correlation(float_one.map, truth))
            agreement.setdefault("int8 heat, float16 heat", []).append(correlation(each.heat, float_one.heat))
            product = cv2.resize(apart, each.map.shape[::-1], interpolation=cv2.INTER_AREA)
            orders = {
                "most heat": -each.heat, "highest map": -each.map, "most product": -product,
                "random": rng.normal(size=each.map.shape), "least heat": each.heat,
            }  # fmt: skip
            for name, order in orders.items():
                (painted,) = small.explain(_painted(pixels, order, border), [each.tag])
                drops.setdefault(name, []).append(each.logit - painted.logit)
            positive = np.maximum(each.heat, 0)
            on_product.append((float((positive * product).sum() / positive.sum()), float(product.mean())))
    for name, values in agreement.items():
        print(f"{name}: correlation {np.mean(values):.4f} mean, {np.median(values):.4f} median, "
              f"{np.quantile(values, 0.05):.4f} fifth percentile of {len(values)} tags")  # fmt: skip
    for name, values in drops.items():
        print(
            f"logit without the {SHARE:.0%} of {name}: {-np.mean(values):+.2f} mean, {-np.median(values):+.2f} median"
        )
    heat, area = np.mean(on_product, axis=0)
    print(f"heat on the product: {heat:.0%}, its share of the photo: {area:.0%}")


def _painted(pixels: NDArray[np.uint8], order: NDArray[np.float32], border: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The photo without the cells of the grid that come first."""
    chosen = np.zeros(order.size, np.uint8)
    chosen[np.argsort(order.ravel())[: round(SHARE * order.size)]] = 1
    mask = cv2.resize(chosen.reshape(order.shape), pixels.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(mask[..., None] > 0, border, pixels).astype(np.uint8)


if __name__ == "__main__":
    given = sys.argv[1:]
    int8, float16 = map(
        Path, given[2:4] or [MODELS / "product-tagger-int8.tflite", MODELS / "product-tagger-float16.tflite"]
    )
    main(Path(given[0]), int(given[1]) if len(given) > 1 else 60, int8, float16)
