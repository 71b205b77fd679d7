"""From a source to `.tflite` files that keep the model contract, verified, with metadata and manifest inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_tagger.convert.contract import check_contract
from edge_tagger.convert.formats import FORMATS, file_name, io_of
from edge_tagger.convert.lite import flatbuffer
from edge_tagger.convert.metadata import with_metadata
from edge_tagger.convert.sources import POST_TRAINING, QAT, Source
from edge_tagger.convert.verify import Verification, read_reference, verify
from edge_tagger.errors import ModelError, RunError, VerificationError
from edge_tagger.files import write_bytes
from edge_tagger.images import Pixels
from edge_tagger.manifest import Manifest, split_model

MAX_DROP_POINTS = 1.0


@dataclass(frozen=True)
class Converted:
    """A file that was written, and what it was found to be worth."""

    path: Path
    verification: Verification


def convert(
    source: Source,
    formats: Sequence[str],
    *,
    out: Path,
    io: str | None = None,
    quantized: str | None = None,
    max_drop: float = MAX_DROP_POINTS,
    keep: bool = False,
    on_file: Callable[[Converted], None] = lambda _converted: None,
    on_made: Callable[[dict[str, bytes], Pixels], None] | None = None,
) -> list[Converted]:
    """Write `NAME-FORMAT.tflite` for each of `formats` (edge_tagger.convert.formats) into the folder `out`.

    A file gets its name only after LiteRT has run it on the source's photos and its macro mAP was at most `max_drop`
    points below the source model's; `keep` writes it all the same. `io` is the type of input and output where a format
    has a choice. `on_file` is told each file when it is written; `on_made` gets all files, also those that are not
    written, and the photos uint8 [n, S, S, 3] that they ran on.

    Raises ModelError where a file would break the contract, VerificationError, after all formats, where one is worse
    than `max_drop`, RunError, OutputError.
    """
    types = {kind: io_of(kind, io if len(FORMATS[kind].io) > 1 or len(formats) == 1 else None) for kind in formats}
    made = {kind: make(source, kind, io=types[kind], quantized=quantized) for kind in formats}
    reference = read_reference(source)
    written, failed = [], []
    for kind, (data, manifest) in made.items():
        found = verify(data, manifest, reference.thinned(FORMATS[kind].verified_on), label=f"verify: {kind}")
        described = replace(manifest, provenance={**manifest.provenance, "verified": found.to_json()})
        converted = Converted(out / file_name(manifest.name, kind, types[kind]), found)
        if found.map_drop_points > max_drop:
            failed.append(f"{kind} by {found.map_drop_points:.2f}")
            if not keep:
                continue
        write_bytes(converted.path, with_metadata(split_model(data)[0], described))
        on_file(converted)
        written.append(converted)
    if on_made is not None:
        on_made({kind: data for kind, (data, _) in made.items()}, reference.photos)
    if failed:
        raise VerificationError(
            f"macro mAP falls by more than {max_drop:g} points: {', '.join(failed)}; "
            f"{'written all the same, for --keep' if keep else 'not written'}; --layers shows where the error enters"
        )
    return written


def make(source: Source, kind: str, *, io: str | None = None, quantized: str | None = None) -> tuple[bytes, Manifest]:
    """The bytes of one file, held against the contract but not verified, and its manifest.

    int8 comes from the quantization-aware model ("qat"), or from the float model and the representative photos
    ("post-training"); without `quantized` it is what the source says is better. Raises ModelError, RunError.
    """
    chosen = (quantized or source.quantized) if kind == "int8" else None
    made: dict[str, object] = {"format": kind}
    representative = None
    if FORMATS[kind].integer:
        made["quantized"] = chosen or POST_TRAINING
        made["representative"] = source.representative.facts() if source.representative else None
    if chosen == QAT:
        if source.quantized_model is None:
            raise RunError(f"{source.path} has no quantization-aware model; leave --quantized out")
        saved_model = source.quantized_model
    else:
        saved_model = source.float_model
        if FORMATS[kind].calibrated:
            if source.representative is None:
                raise ModelError(f"{kind} needs photos to find its ranges; add --representative DIR or CSV")
            representative = source.representative.spanning()
    io = io_of(kind, io)
    described = replace(source.manifest, provenance={**source.manifest.provenance, **made})
    data = with_metadata(flatbuffer(saved_model, kind, io=io, representative=representative), described)
    check_contract(data, described, kind=kind, io=io)
    return data, described
