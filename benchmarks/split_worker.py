"""Takes JPEGs all the way to tags and times the steps, beside worker.py and called like it. Needs OpenCV too.

    python split_worker.py REQUEST DOCUMENT

The request has besides: "photos": [{"file", "flags" of cv2.imdecode}], "size": S, "passes": times over all photos,
"scales": [[scale, zero point] of each output], "manifest": null | what edge_tagger.manifest writes. The document:
{"decode_ms": [..], "resize_ms": [..], "invoke_ms": [..], "scores_ms": [..] | null}, a value for each photo and pass
until MOST_S, and what every document of the worker has.
"""

# ruff: noqa: B905, RUF007, UP035  - this runs on Python 3.9
from __future__ import annotations

import sys
import time
from typing import Any, Callable

import numpy as np

if __name__ == "__main__":  # on a device, where it lies beside this file
    import worker  # type: ignore[import-not-found]
else:
    from edge_tagger.benchmarks import worker


LEAST_RUNS, MOST_S = 10, 20.0  # slow devices end early


def split(request: dict[str, Any]) -> dict[str, Any]:
    try:
        import cv2
    except ImportError as error:
        why = f"OpenCV cannot be imported there ({worker.first_line(error)})"
        raise worker.WorkerError("unavailable", why) from error
    opened, codes, size = worker.Opened(request), worker.stored_codes(request), (request["size"], request["size"])
    decode_scores = scores_decoder(request)
    places = [detail["index"] for detail in opened.interpreter.get_output_details()]
    photos = [(np.fromfile(photo["file"], np.uint8), photo["flags"]) for photo in request["photos"]]
    steps: list[list[float]] = []
    started = told = time.perf_counter()
    for encoded, flags in photos[:1] + photos * request["passes"]:
        now = time.perf_counter()
        if len(steps) > LEAST_RUNS and now - started > MOST_S:
            break
        if now - told > 1:
            told = now
            print(f"{len(steps)} runs", flush=True)
        marks = [time.perf_counter_ns()]
        decoded = cv2.imdecode(encoded, flags)
        marks.append(time.perf_counter_ns())
        if decoded is None:
            raise worker.WorkerError("unavailable", "OpenCV there cannot decode these JPEGs")
        pixels = cv2.resize(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), size, interpolation=cv2.INTER_LINEAR)
        marks.append(time.perf_counter_ns())
        opened.store(pixels, codes)
        opened.interpreter.invoke()
        given = [opened.interpreter.get_tensor(place).reshape(-1) for place in places]
        marks.append(time.perf_counter_ns())
        if decode_scores is not None:
            decode_scores(given)
        marks.append(time.perf_counter_ns())
        steps.append([(after - before) / 1e6 for before, after in zip(marks, marks[1:])])
    decode_ms, resize_ms, invoke_ms, scores_ms = (list(column) for column in zip(*steps[1:]))  # the first warms up
    found = {"decode_ms": decode_ms, "resize_ms": resize_ms, "invoke_ms": invoke_ms}
    return {**found, "scores_ms": scores_ms if decode_scores is not None else None, **opened.context()}


def scores_decoder(request: dict[str, Any]) -> Callable[[list[Any]], object] | None:
    """What the outputs store -> the tags of a photo, by edge_tagger's own taxonomy.py beside this file."""
    manifest = request["manifest"]
    if manifest is None:
        return None
    from taxonomy import Facet, Tag, Taxonomy  # type: ignore[import-not-found]

    facets = tuple(Facet(**{**facet, "columns": tuple(facet["columns"])}) for facet in manifest["facets"])
    taxonomy = Taxonomy(facets, tuple(Tag.from_id(tag["id"]) for tag in manifest["tags"]))
    thresholds = np.array([tag["threshold"] for tag in manifest["tags"]], np.float32)

    def decode(given: list[Any]) -> object:
        parts = [
            (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
            for stored, (scale, zero_point) in zip(given, request["scales"])
        ]
        return taxonomy.decode(np.concatenate(parts), thresholds)

    return decode


if __name__ == "__main__":
    worker.MODES["split"] = split
    sys.exit(worker.main())
