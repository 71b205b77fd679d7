"""Rules for every target: about what is packed beside the graph - metadata, labels, manifest, archive."""

from __future__ import annotations

import math
from collections.abc import Iterator

from edge_tagger.convert.check.described import Described, Description
from edge_tagger.convert.check.facts import ModelFacts, TensorFacts
from edge_tagger.convert.check.rule import ERROR, WARNING, Rule, named

_CODES = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0)}


def lines(content: bytes) -> list[str]:
    """The labels of a file, one a line, as phones count them: one empty line at the end does not count."""
    found = content.decode(errors="replace").split("\n")
    return found[:-1] if found and not found[-1] else found


def archive_safe(facts: ModelFacts) -> str | None:
    """The archive behind the model can be unpacked without harm.

    Names stay inside, nothing is encrypted, linked, listed twice or overlapping, and sizes are bounded: 256 files,
    16 MiB each, 64 MiB in all, 100 times what is stored.

    Source: APPNOTE.TXT of the ZIP format, 4.4; https://cwe.mitre.org/data/definitions/22.html and 409.html
    """
    return "; ".join(facts.archive.problems[:5]) or None


def metadata_readable(facts: ModelFacts) -> str | None:
    """The metadata are whole and carry the mark M001.

    Source: mediapipe/tasks/cc/metadata/metadata_extractor.cc (InitFromModelBuffer)
    """
    return facts.described_error


def metadata_counts(facts: ModelFacts) -> str | None:
    """The metadata describe as many inputs and outputs as there are.

    Source: mediapipe/tasks/metadata/metadata_schema.fbs (SubGraphMetadata)
    """
    described = facts.described or Described(None, None, "")
    counts = (("inputs", described.inputs, facts.inputs), ("outputs", described.outputs, facts.outputs))
    wrong = [
        f"{len(said)} {what} described, {len(there)} there"
        for what, said, there in counts
        if said is not None and len(said) != len(there)
    ]
    return "; ".join(wrong) or None


def metadata_normalization(facts: ModelFacts) -> str | None:
    """The described normalization gives what the input's quantization, or the manifest, expects.

    Source: mediapipe/tasks/metadata/metadata_schema.fbs (NormalizationOptions)
    """
    for tensor, said in _pairs(facts, "inputs"):
        for normalization in said.normalizations:
            ranges = normalization.range()
            if not ranges:
                return f"mean {list(normalization.mean)} and std {list(normalization.std)} normalize nothing"
            wanted = (0.0, 255.0) if facts.manifest and tensor.is_float else tensor.range()
            slack = 2 * tensor.scales[0] if tensor.scales else 1e-3
            if wanted and any(not _near(given, wanted, slack) for given in ranges):
                given = " ".join(f"{low:.4g}..{high:.4g}" for low, high in ranges)
                return (
                    f"mean and std make pixels {given}, the input {tensor.name} takes {wanted[0]:.4g}..{wanted[1]:.4g}"
                )
    return None


def metadata_stats(facts: ModelFacts) -> str | None:
    """The described minimum and maximum are those of the tensor, or of its integers.

    Source: mediapipe/tasks/metadata/metadata_schema.fbs (Stats)
    """
    for tensor, said in (*_pairs(facts, "inputs"), *_pairs(facts, "outputs")):
        allowed = [*filter(None, (tensor.range(), _CODES.get(tensor.dtype)))]
        if tensor.is_float:
            allowed = [limits for normalization in said.normalizations for limits in normalization.range()]
        slack = 2 * tensor.scales[0] if tensor.scales else 1e-3
        for given in zip(said.minimum, said.maximum, strict=False):
            if allowed and not any(_near(given, limits, slack) for limits in allowed):
                shown = " or ".join(f"{low:.4g}..{high:.4g}" for low, high in allowed)
                return f"{tensor.name} is said to hold {given[0]:.4g}..{given[1]:.4g}, it holds {shown}"
    return None


def files_packed(facts: ModelFacts) -> str | None:
    """Every file that the metadata name is packed.

    Source: mediapipe/tasks/cc/metadata/metadata_extractor.cc (GetAssociatedFile)
    """
    if facts.archive.problems:
        return None  # not unpacked; archive-safe says so
    said = [*_pairs(facts, "inputs"), *_pairs(facts, "outputs")]
    missing = [name for _, tensor in said for name in tensor.files if name not in facts.archive.files]
    return f"missing: {named(missing)}" if missing else None


def label_count(facts: ModelFacts) -> str | None:
    """Every label file has a line for each score.

    Source: mediapipe/calculators/tensor/tensors_to_classification_calculator.cc (num_classes == label map size) and
    mediapipe/util/label_map_util.cc (labels and display names of equal number)
    """
    wrong = []
    for tensor, said in _pairs(facts, "outputs"):
        scores = abs(math.prod(tensor.shape))  # a free batch is -1
        packed = [file.name for file in said.labels if file.name in facts.archive.files]
        counts = [(name, len(lines(facts.archive.files[name]))) for name in packed]
        wrong += [f"{name} has {count} lines for {scores} scores" for name, count in counts if count != scores]
    return "; ".join(wrong) or None


def labels_of_manifest(facts: ModelFacts) -> str | None:
    """The labels are the manifest's tags, in the same order.

    Source: edge_tagger/manifest.py (Manifest); convert/metadata.py
    """
    if facts.manifest is None:
        return None
    tags = facts.manifest.taxonomy.tags
    allowed = ([tag.id for tag in tags], [tag.name for tag in tags])
    for _, said in _pairs(facts, "outputs"):
        for file in said.labels:
            found = lines(facts.archive.files.get(file.name, b""))
            if not file.locale and len(found) == len(tags) and found not in allowed:
                place = next(place for place, tag in enumerate(tags) if found[place] not in (tag.id, tag.name))
                return f"line {place + 1} of {file.name} is {found[place]!r}, the manifest has {tags[place].id!r}"
    return None


def manifest_readable(facts: ModelFacts) -> str | None:
    """The manifest can be read.

    Source: edge_tagger/manifest.py
    """
    return facts.manifest_error


def manifest_agrees(facts: ModelFacts) -> str | None:
    """The manifest's size, number of tags and pixel range are those of the tensors.

    Source: edge_tagger/manifest.py (Manifest); convert/contract.py
    """
    return "; ".join(_disagreements(facts)) or None


def _disagreements(facts: ModelFacts) -> Iterator[str]:
    if facts.manifest is None:
        return
    size = facts.manifest.image_size
    for tensor in facts.inputs[:1]:
        if tensor.shape[1:] != (size, size, 3):
            yield f"the manifest says [1, {size}, {size}, 3], the input is {list(tensor.shape)}"
        if tensor.dtype != "float32" and (tensor.dtype != "uint8" or (tensor.scales, tensor.zero_point) != ((1.0,), 0)):
            yield f"the input is {tensor.dtype} with scale {list(tensor.scales)}, not float32 or uint8 of scale 1"
    for tensor in facts.outputs[:1]:
        if tensor.dtype not in ("uint8", "float32"):
            yield f"the output is {tensor.dtype}, not uint8 or float32"
    if facts.num_scores is not None and facts.num_scores != len(facts.manifest.taxonomy):
        yield f"the manifest has {len(facts.manifest.taxonomy)} tags, the output {facts.num_scores} scores"


def not_rewritten(facts: ModelFacts) -> str | None:
    """The flatbuffer is the one that the manifest was written for.

    Source: edge_tagger/manifest.py (model_crc32)
    """
    return None if facts.intact else "its crc32 is not the manifest's: bytes were changed after the conversion"


def _pairs(facts: ModelFacts, side: str) -> list[tuple[TensorFacts, Description]]:
    """The tensors of one side ("inputs", "outputs") that the metadata describe, each with its description."""
    said = getattr(facts.described, side, None) or ()
    return list(zip(getattr(facts, side), said, strict=False))


def _near(given: tuple[float, float], wanted: tuple[float, float], slack: float) -> bool:
    return abs(given[0] - wanted[0]) <= slack and abs(given[1] - wanted[1]) <= slack


_AGAIN = "convert the model again with edge-tagger convert, which writes metadata, labels and manifest together"

PACKED_RULES = (
    Rule(
        "general.archive-safe",
        ERROR,
        archive_safe,
        "do not unpack this file; take the model from its maker again, or cut the archive off and pack labels and "
        "metadata anew",
    ),
    Rule("general.metadata-readable", ERROR, metadata_readable, _AGAIN),
    Rule("general.metadata-counts", ERROR, metadata_counts, _AGAIN),
    Rule(
        "general.metadata-normalization",
        ERROR,
        metadata_normalization,
        "write the mean and std that the model was trained with; 0 and 1 where the graph normalizes, as ours do",
    ),
    Rule("general.metadata-stats", WARNING, metadata_stats, "write the range of the tensor, 0 to 255 for pixels"),
    Rule("general.files-packed", ERROR, files_packed, _AGAIN),
    Rule(
        "general.label-count",
        ERROR,
        label_count,
        "give each label file one line for each score, in output order, and pack it again",
    ),
    Rule("general.labels-of-manifest", ERROR, labels_of_manifest, _AGAIN),
    Rule("general.manifest-readable", ERROR, manifest_readable, _AGAIN),
    Rule("general.manifest-agrees", ERROR, manifest_agrees, _AGAIN),
    Rule(
        "general.not-rewritten",
        WARNING,
        not_rewritten,
        "if a tool of yours changed it, measure it with edge-tagger evaluate; if not, copy the file again",
    ),
)
