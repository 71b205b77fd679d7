"""How good a model is where it will run: scores from the device, figures computed here.

The content of an "accuracy"::

    {"photos": n, "photos_sha256",              of their names and labels: figures for other photos are not comparable
     "bit_equal": true,                         the same scores as on this machine, every bit
     "largest_difference": 0.0,                 else how far they are apart
     "figures": {..} | null,                    the model's row of edge_tagger.evaluate, from the device's scores
     "figures_unavailable": null | why}
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_tagger.benchmarks.model_file import ModelFile
from edge_tagger.benchmarks.photos import PhotoSet, Sized
from edge_tagger.benchmarks.worker_call import UnavailableError, WorkerCall
from edge_tagger.catalogue.label_fit import problem
from edge_tagger.errors import DeviceError, EdgeTaggerError, ModelError
from edge_tagger.evaluate import figures
from edge_tagger.interpreter import Model
from edge_tagger.manifest import Manifest
from edge_tagger.measure import Measured
from edge_tagger.taxonomy import Scores
from edge_tagger.tensors import score_reader


class AccuracyBench:
    """Accuracy of models on `photos`; this machine runs each once, whatever the number of devices."""

    def __init__(self, photos: PhotoSet) -> None:
        self.photos = photos
        self._own: dict[str, Scores] = {}

    def measure(self, call: WorkerCall, model: ModelFile, threads: int) -> dict[str, Any]:
        """The content above. Raises UnavailableError for what is no classifier, else as WorkerCall.ask does."""
        classifier = model.classifier
        if isinstance(classifier, ModelError):
            raise UnavailableError(str(classifier)) from classifier
        sized = self.photos.at(classifier.input_size)
        there = self._there(call, model, classifier, sized, threads)
        here = self._here(model, classifier, sized)
        found, why = _figures(model, sized, there)
        return {
            "photos": len(sized.photos),
            "photos_sha256": sized.sha256,
            "bit_equal": bool(np.array_equal(there.view(np.uint32), here.view(np.uint32))),
            "largest_difference": float(np.abs(there - here).max()),
            "figures": found,
            "figures_unavailable": why,
        }

    def _there(self, call: WorkerCall, model: ModelFile, classifier: Model, sized: Sized, threads: int) -> Scores:
        name = f"scores-{model.sha256[:16]}.npz"
        photos = call.push(sized.file)
        call.ask(model, "scores", threads, photos=photos, scores=name, codes=classifier.codes.tolist())
        return _dequantized(call, name, classifier, len(sized.photos))

    def _here(self, model: ModelFile, classifier: Model, sized: Sized) -> Scores:
        if model.sha256 not in self._own:
            self._own[model.sha256] = np.stack([classifier.scores(pixels) for pixels in sized.pixels])
        return self._own[model.sha256]


def _dequantized(call: WorkerCall, name: str, classifier: Model, count: int) -> Scores:
    """float32 [count, N], of what the outputs store there."""
    try:
        with np.load(call.pull(name)) as stored:
            parts = []
            for place, tensor in enumerate(classifier.outputs):
                own = stored[str(place)]
                if own.dtype != tensor.dtype or own.shape != (count, tensor.shape[-1]):
                    raise ValueError(f"output {place} is {own.dtype} {list(own.shape)}")
                parts.append(score_reader(tensor)(own).reshape(count, -1))
    except Exception as error:  # what numpy, zipfile and zlib raise of a damaged archive has no base of its own
        raise DeviceError(f"the scores that came back cannot be read ({error}); run again") from error
    return np.concatenate(parts, axis=1)


def _figures(model: ModelFile, sized: Sized, scores: Scores) -> tuple[dict[str, Any] | None, str | None]:
    """The row of evaluate, or why there is none: agreement can be told without labels and manifest."""
    manifest = model.manifest
    if not isinstance(manifest, Manifest):
        return None, str(manifest)
    try:
        measured = Measured.of(str(model.path), model.size_bytes, manifest, sized.photos, scores)
        row = figures([measured])["models"][0]
    except EdgeTaggerError as error:
        return None, str(error)
    if why := problem(measured.fits):
        return None, f"no label to measure it by: {why}"
    return {name: value for name, value in row.items() if name != "difference"}, None
