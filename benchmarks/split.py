"""From a JPEG to the tags on the device, split into its steps.

The content of a "split"::

    {"photos": n, "photos_sha256",              those sent; of all, as in edge_tagger.benchmarks.accuracy
     "decode_ms", "resize_ms", "invoke_ms", "scores_ms", "total_ms"}       lists, one value for each run

`decode` is cv2.imdecode as edge_tagger.images does it for this size, `resize` the change to RGB and to the model's
size, `invoke` storing the pixels, the run and reading the output, `scores` (null without a manifest) dequantizing and
the taxonomy's decoding. Reading the file is not counted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge_tagger import taxonomy
from edge_tagger.benchmarks.model_file import ModelFile
from edge_tagger.benchmarks.photos import PhotoSet
from edge_tagger.benchmarks.worker_call import UnavailableError, WorkerCall, reading
from edge_tagger.errors import ModelError
from edge_tagger.images import resized_flags
from edge_tagger.manifest import Manifest

STEPS = ("decode_ms", "resize_ms", "invoke_ms", "scores_ms")
SCRIPT = Path(__file__).with_name("split_worker.py")
_MOST_PHOTOS, _LEAST_RUNS = 20, 40


def measure_split(call: WorkerCall, model: ModelFile, photos: PhotoSet, threads: int) -> dict[str, Any]:
    """The content above. Raises UnavailableError where the photos or the device have not what it takes."""
    classifier = model.classifier
    if isinstance(classifier, ModelError):
        raise UnavailableError(str(classifier)) from classifier
    paths = photos.jpegs(classifier.input_size, _MOST_PHOTOS)
    if not paths:
        raise UnavailableError("none of the photos is a JPEG")
    manifest = None
    if isinstance(model.manifest, Manifest):
        call.push(Path(taxonomy.__file__))
        manifest = model.manifest.to_json()
    document = call.ask(
        model,
        "split",
        threads,
        script=SCRIPT,
        photos=[_pushed(call, path, place, classifier.input_size) for place, path in enumerate(paths)],
        size=classifier.input_size,
        passes=-(-_LEAST_RUNS // len(paths)),
        codes=classifier.codes.tolist(),
        scales=[[tensor.scale or 1.0, tensor.zero_point] for tensor in classifier.outputs],
        manifest=manifest,
    )
    with reading(call.device):
        steps = {name: document[name] for name in STEPS}
        total = [sum(parts) for parts in zip(*(part for part in steps.values() if part is not None), strict=True)]
    sha256 = photos.at(classifier.input_size).sha256
    return {"photos": len(paths), "photos_sha256": sha256, **steps, "total_ms": total}


def _pushed(call: WorkerCall, path: Path, place: int, size: int) -> dict[str, Any]:
    return {"file": call.push(path, f"photo-{place}.jpg"), "flags": resized_flags(str(path), path.read_bytes(), size)}
