"""The standard TFLite Metadata of a `.tflite`, as far as one needs them to run it and to name its scores.

Schema: mediapipe/tasks/metadata/metadata_schema.fbs. LiteRT's loader does not look at them: nothing is believed unread.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_tagger.errors import ModelError
from edge_tagger.flatbuffer import Table
from edge_tagger.tensors import Normalization

_NAME, _IDENTIFIER = b"TFLITE_METADATA", b"M001"
_NORMALIZATION_OPTIONS = 1  # of the union ProcessUnitOptions
_AXIS_LABELS = 2  # of AssociatedFileType


@dataclass(frozen=True)
class TensorMetadata:
    """`label_files` are names of packed files with a label for each score, those without a locale."""

    normalization: Normalization | None
    label_files: tuple[str, ...]


@dataclass(frozen=True)
class StandardMetadata:
    """Of each input and output, in the order of the model; empty where nothing is said."""

    inputs: tuple[TensorMetadata, ...] = ()
    outputs: tuple[TensorMetadata, ...] = ()


def read_standard_metadata(data: bytes, *, name: str = "the model") -> StandardMetadata:
    """Of a `.tflite`, which LiteRT has verified or not. Raises ModelError for damaged ones."""
    try:
        model = Table.root(data)
        places = [entry.integer(1, "I") for entry in model.tables(6) if entry.content(0) == _NAME]  # Model.metadata
        if not places:
            return StandardMetadata()
        packed = model.tables(4)[places[0]].content(0)  # Model.buffers
        if packed[4:8] != _IDENTIFIER:
            raise ValueError(f"they carry the mark {packed[4:8]!r}, not {_IDENTIFIER!r}")
        graphs = Table.root(packed).tables(3)  # ModelMetadata.subgraph_metadata
        if not graphs:
            return StandardMetadata()
        inputs, outputs = (tuple(map(_tensor, graphs[0].tables(field))) for field in (2, 3))
        return StandardMetadata(inputs, outputs)
    except (ValueError, IndexError) as error:
        raise ModelError(f"{name} has damaged TFLite Metadata ({error}); get the file again from its maker") from error


def _tensor(table: Table) -> TensorMetadata:
    units = [unit.table(1) for unit in table.tables(4) if unit.integer(0, "B") == _NORMALIZATION_OPTIONS]
    if len(units) > 1:
        raise ValueError(f"they have {len(units)} normalizations of one tensor")
    files = table.tables(6)
    return TensorMetadata(
        normalization=next((Normalization(unit.floats(0), unit.floats(1)) for unit in units if unit is not None), None),
        label_files=tuple(
            file.content(0).decode() for file in files if file.integer(2, "b") == _AXIS_LABELS and not file.content(3)
        ),
    )
