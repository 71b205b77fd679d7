"""The standard metadata of a `.tflite` as plain values: what it says of the tensors, believed by phones, true or not.

Format: mediapipe/tasks/metadata/metadata_schema.fbs. LiteRT's loader does not verify this buffer, so only the first
graph is read (as MediaPipe does) and every count is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edge_tagger.convert import metadata_schema_generated as schema

METADATA_NAME = b"TFLITE_METADATA"
IDENTIFIER = b"M001"
# Numbers of the unions in metadata_schema.fbs; our part of the schema leaves the later members out.
IMAGE_PROPERTIES, NORMALIZATION, SCORE_CALIBRATION, SCORE_THRESHOLDING = 2, 1, 2, 3
RGB = 1
AXIS_LABELS = 2
MAX_ITEMS = 256
DAMAGE = (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True)
class Normalization:
    """(pixel - mean) / std; one value, or one for each channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def range(self) -> tuple[tuple[float, float], ...]:
        """What pixels 0 and 255 become, for each channel; () where a std is 0 or there are not as many as means."""
        if len(self.mean) != len(self.std) or 0 in self.std:
            return ()
        return tuple(((0 - m) / s, (255 - m) / s) for m, s in zip(self.mean, self.std, strict=True))


@dataclass(frozen=True)
class LabelFile:
    """A packed file of labels along the axis of a tensor; `locale` "" for the labels themselves."""

    name: str
    locale: str


@dataclass(frozen=True)
class Description:
    """What the metadata say of one tensor. `content` and `units` are numbers of unions, 0 for none."""

    name: str | None
    content: int
    color_space: int | None
    units: tuple[int, ...]
    normalizations: tuple[Normalization, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    labels: tuple[LabelFile, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Described:
    """`inputs` and `outputs` are None where the metadata have no such list."""

    inputs: tuple[Description, ...] | None
    outputs: tuple[Description, ...] | None
    min_parser_version: str


def read_described(data: bytes) -> Described:
    """The metadata of the buffer TFLITE_METADATA. Raises ValueError where they are damaged or of another format."""
    if data[4:8] != IDENTIFIER:
        raise ValueError(f"they carry the mark {data[4:8]!r} instead of {IDENTIFIER!r}")
    try:
        metadata = schema.ModelMetadata.GetRootAs(data)
        inputs, outputs = None, None
        if metadata.SubgraphMetadataLength():
            graph = metadata.SubgraphMetadata(0)
            inputs = _descriptions(graph.InputTensorMetadataLength(), graph.InputTensorMetadata)
            outputs = _descriptions(graph.OutputTensorMetadataLength(), graph.OutputTensorMetadata)
        return Described(inputs, outputs, _text(metadata.MinParserVersion()) or "")
    except DAMAGE as error:
        raise ValueError(f"they are damaged ({error})") from error


def _descriptions(count: int, item: Callable[[int], Any]) -> tuple[Description, ...] | None:
    # A list that is not there and an empty one are the same to the generated code; no model has no tensors.
    return tuple(_description(item(place)) for place in range(_bounded(count))) or None


def _description(tensor: Any) -> Description:
    _bounded(tensor.ProcessUnitsLength())
    _bounded(tensor.AssociatedFilesLength())
    read = schema.TensorMetadataT.InitFromObj(tensor)
    units, files = read.processUnits or [], read.associatedFiles or []
    content = read.content.contentPropertiesType if read.content else 0
    image = content == IMAGE_PROPERTIES and read.content.contentProperties
    return Description(
        name=_text(read.name),
        content=content,
        color_space=image.colorSpace if image else None,
        units=tuple(unit.optionsType for unit in units),
        normalizations=tuple(
            Normalization(_numbers(unit.options.mean), _numbers(unit.options.std))
            for unit in units
            if unit.optionsType == NORMALIZATION and unit.options
        ),
        minimum=_numbers(read.stats.min) if read.stats else (),
        maximum=_numbers(read.stats.max) if read.stats else (),
        labels=tuple(
            LabelFile(_text(file.name) or "", _text(file.locale) or "") for file in files if file.type == AXIS_LABELS
        ),
        files=tuple(_text(file.name) or "" for file in files),
    )


def _bounded(count: int) -> int:
    if count > MAX_ITEMS:
        raise ValueError(f"a list of {count} entries, over {MAX_ITEMS}")
    return count


def _numbers(values: Sequence[float] | None) -> tuple[float, ...]:
    return () if values is None else tuple(float(value) for value in values[:MAX_ITEMS])


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")
