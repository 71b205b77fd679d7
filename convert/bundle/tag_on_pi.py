"""Prints the tags of photos: python tag.py PHOTO...  (--json: one JSON object a line; --model FILE: another model)

Stands alone: numpy, OpenCV and LiteRT are all it needs (requirements.txt). `edge-tagger bundle --pi` wrote it; the
library of the same name answers the same, and tells more about what is wrong with a photo.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def decode(scores: Any, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The tags that scores (float32, in the manifest's order) stand for, in that order, parents first.

    A tag's score is the highest of its subtree. An exclusive facet gives its path of the highest mean score, down to
    the first tag under its threshold; an any-of facet every tag at or above its threshold whose ancestors are too.
    """
    ids = [tag["id"] for tag in manifest["tags"]]
    place = {identity: i for i, identity in enumerate(ids)}
    parents = [place.get(identity.rpartition("/")[0], -1) for identity in ids]
    lifted = [float(score) for score in scores]
    for i in reversed(range(len(ids))):
        if parents[i] >= 0:
            lifted[parents[i]] = max(lifted[parents[i]], lifted[i])

    def path(i: int) -> list[int]:
        return [*(path(parents[i]) if parents[i] >= 0 else ()), i]

    taken: set[int] = set()
    for facet in manifest["facets"]:
        inside = [i for i in range(len(ids)) if ids[i].split("/")[0] == facet["name"]]
        if facet["exclusive"]:
            paths = [path(i) for i in inside if i not in parents]
            inside = max(paths, key=lambda one: sum(float(scores[i]) for i in one) / len(one), default=[])
        for i in inside:
            sure = lifted[i] >= np.float32(manifest["tags"][i]["threshold"])
            if sure and (parents[i] < 0 or parents[i] in taken):
                taken.add(i)
    return [_tag(ids[i], lifted[i], manifest["tags"][i]["threshold"]) for i in sorted(taken)]


def _tag(identity: str, score: float, threshold: float) -> dict[str, Any]:
    facet, *names = identity.split("/")
    parents = ["/".join((facet, *names[:depth])) for depth in range(1, len(names))]
    return {"tag": identity, "facet": facet, "name": _plain(names[-1]), "score": score, "threshold": threshold,
            "parents": parents}  # fmt: skip


def _plain(name: str) -> str:
    return name.replace("%2F", "/").replace("%25", "%")


def load(path: Path, size: int) -> Any:
    """uint8 [1, size, size, 3] RGB: turned as EXIF says, alpha over white, stretched. Raises ValueError, OSError."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    has_alpha = data[:4].tobytes() in (b"\x89PNG", b"RIFF")
    flag = cv2.IMREAD_UNCHANGED if has_alpha else cv2.IMREAD_COLOR
    pixels: Any = cv2.imdecode(data, flag) if data.size else None
    if pixels is None:
        raise ValueError("not a photo that OpenCV reads")
    if pixels.ndim != 3 or pixels.dtype != np.uint8:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.uint16)
        pixels = ((pixels[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), (size, size), interpolation=cv2.INTER_LINEAR)[np.newaxis]


def _interpreter(model: bytes) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        from tflite_runtime.interpreter import Interpreter
    return Interpreter(model_content=model)


def main() -> int:
    parser = argparse.ArgumentParser(description="Print the tags of photos.")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--model", type=Path, default=Path(__file__).resolve().parent / "model.tflite")
    asked = parser.parse_args()
    try:
        with zipfile.ZipFile(asked.model) as packed:  # the manifest stands behind the model, in the same file
            manifest = json.loads(packed.read("edge_tagger.json"))
        interpreter = _interpreter(asked.model.read_bytes())
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        _print(f"Error: {asked.model} is no model with a manifest that edge-tagger wrote: {error}", file=sys.stderr)
        return 5
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = given["quantization"]
    failed = 0
    for photo in asked.photos:
        try:
            pixels = load(photo, manifest["input"]["size"])
        except (OSError, ValueError, cv2.error) as error:
            _print(f"Error: {photo}: {error}", file=sys.stderr)
            failed = 4
            continue
        interpreter.set_tensor(taken["index"], pixels.astype(taken["dtype"]))
        interpreter.invoke()
        scores = interpreter.get_tensor(given["index"]).reshape(-1).astype(np.float32)
        if given["dtype"] == np.uint8:
            scores = (scores - np.float32(zero_point)) * np.float32(scale)
        tags = decode(scores, manifest)
        if asked.json:
            print(json.dumps({"photo": str(photo), "tags": tags}))
        else:
            _print(str(photo), *(f"  {line}" for line in _lines(tags)))
    return failed


def _print(*lines: str, file: Any = None) -> None:
    """Lines in which nothing can move a terminal: names of files and tags come from anywhere."""
    for line in lines:
        print("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line), file=file)


def _lines(tags: list[dict[str, Any]]) -> list[str]:
    """One line for each tag that has no tag of the photo below it: its path and score."""
    inner = {parent for tag in tags for parent in tag["parents"]}
    width = max((len(tag["facet"]) for tag in tags), default=0)
    return [
        f"{tag['facet']:{width}}  {' > '.join(map(_plain, tag['tag'].split('/')[1:]))}  {tag['score']:.2f}"
        for tag in tags
        if tag["tag"] not in inner
    ] or ["no tag is sure enough"]


if __name__ == "__main__":
    sys.exit(main())
