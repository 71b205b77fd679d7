"""From a source to `.tflite` files that keep the model contract, verified, with metadata and manifest inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_tagger.archive import split_model
from edge_tagger.convert.contract import check_contract
from edge_tagger.convert.formats import FORMATS, file_name, io_of
from edge_tagger.convert.lite import flatbuffer
from edge_tagger.convert.metadata import with_metadata
from edge_tagger.convert.sources import POST_TRAINING, QAT, Source
from edge_tagger.convert.verify import Verification, read_reference, verify
from edge_tagger.errors import ModelError, OutputError, RunError, VerificationError
from edge_tagger.files import write_bytes
from edge_tagger.images import Pixels
from edge_tagger.manifest import Manifest

MAX_DROP_POINTS = 1.0


@dataclass(frozen=True)
class Converted:
    """A file and what it was found to be worth. `problem` says why it is worth too little; `written`: it is there."""

    path: Path
    verification: Verification
    problem: str | None
    written: bool


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
    points below the source model's; `keep` writes it all the same. `io` is the type of input and output of int8.
    `on_file` is told each format, also one that is not written; `on_made` gets the bytes of all and the photos uint8
    [n, S, S, 3] that they ran on.

    One format that fails does not keep the others from being written. Raises, after all, ModelError where a file would
    break the contract, VerificationError where one is worth too little; before, RunError and OutputError.
    """
    if not out.is_dir() or not os.access(out, os.W_OK):
        raise OutputError(f"cannot write into {out}: {'no such folder' if not out.is_dir() else 'no permission'}")
    types = {kind: _io(kind, io) for kind in formats}
    paths = paths_of(source, formats, out=out, io=io)
    reference = read_reference(source)
    made: dict[str, bytes] = {}
    done: list[Converted] = []
    broken: list[ModelError] = []
    for kind in formats:
        try:
            data, manifest = make(source, kind, io=types[kind], quantized=quantized)
            thinned = reference.thinned(FORMATS[kind].verified_on, manifest)
            found = verify(data, manifest, thinned, label=f"verify: {kind}")
            described = replace(manifest, provenance={**manifest.provenance, "verified": found.to_json()})
            final = with_metadata(split_model(data)[0], described)
            check_contract(final, described, kind=kind, io=types[kind])
        except ModelError as error:
            broken.append(error)
            continue
        made[kind] = data
        problem = found.problem(max_drop)
        written = problem is None or keep
        if written:
            write_bytes(paths[kind], final)
        done.append(Converted(paths[kind], found, problem, written))
        on_file(done[-1])
    if on_made is not None and made:
        on_made(made, reference.photos)
    if broken:
        raise broken[0]
    _raise_problems(done, keep)
    return done


def paths_of(source: Source, formats: Sequence[str], *, out: Path, io: str | None = None) -> dict[str, Path]:
    """Format -> the file that :func:`convert` writes. Raises ModelError for a name that no file can have."""
    return {kind: out / file_name(source.manifest.name, kind, _io(kind, io)) for kind in formats}


def _io(kind: str, io: str | None) -> str:
    return io_of(kind, io if kind == "int8" else None)


def _raise_problems(done: Sequence[Converted], keep: bool) -> None:
    told = "; ".join(f"{each.path.name}: {each.problem}" for each in done if each.problem)
    older = [each.path.name for each in done if not each.written and each.path.exists()]
    if told:
        ending = "written all the same, for --keep" if keep else "not written; --layers shows where the error enters"
        stays = f"; an older {', '.join(older)} stays as it was" if older else ""
        raise VerificationError(f"{told}; {ending}{stays}")


def make(source: Source, kind: str, *, io: str | None = None, quantized: str | None = None) -> tuple[bytes, Manifest]:
    """The bytes of one file, held against the contract but not verified, and its manifest.

    int8 comes from the quantization-aware model ("qat"), or from the float model and the representative photos
    ("post-training"); without `quantized` it is what the source says is better. Raises ModelError, RunError.
    """
    chosen = (quantized or source.quantized) if kind == "int8" else POST_TRAINING
    made: dict[str, object] = {"format": kind}
    representative = None
    if FORMATS[kind].integer:
        made["quantized"] = chosen
        made["representative"] = source.representative.facts() if source.representative else None
    if chosen == QAT:
        if source.quantized_model is None:
            raise RunError(f"{source.path} has no quantization-aware model; leave --quantized out")
        saved_model = source.quantized_model
    else:
        saved_model = source.float_model
        if FORMATS[kind].calibrated and source.recurrent:
            raise ModelError(
                f"{source.path} has loops (an RNN), which TensorFlow cannot calibrate for {kind}; unroll them, or "
                "use float16 or dynamic"
            )
        if FORMATS[kind].calibrated:
            if source.representative is None:
                raise ModelError(f"{kind} needs photos to find its ranges; add --representative DIR or CSV")
            representative = source.representative.spanning()
    io = io_of(kind, io)
    described = replace(source.manifest, provenance={**source.manifest.provenance, **made})
    data = with_metadata(flatbuffer(saved_model, kind, io=io, representative=representative), described)
    check_contract(data, described, kind=kind, io=io)
    return data, described
