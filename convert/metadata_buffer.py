"""Where TFLite Metadata stand in a model: a flatbuffer in a buffer of its own, under the name TFLITE_METADATA.

What stands there may come from anybody, and LiteRT's loader does not look at it: everything is checked before it is
unpacked, and what cannot be kept whole is refused.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tflite

from edge_tagger.archive import split_model
from edge_tagger.convert import metadata_schema_generated as schema
from edge_tagger.convert.check.described import DAMAGE, IDENTIFIER, MAX_ITEMS, METADATA_NAME
from edge_tagger.convert.parser_version import NEWEST, is_newer, tables
from edge_tagger.errors import ModelError

_BUFFER_ALIGNMENT_BYTES = 16  # force_align of Buffer.data in the schema of TensorFlow Lite
_MAX_METADATA_BYTES = 16 * 2**20
_REMEDY = "convert it anew from its run or SavedModel"


def read_model(data: bytes) -> Any:
    """The model of a `.tflite`, without the archive behind it. Raises ModelError."""
    if data[4:8] != b"TFL3":
        raise ModelError("metadata need a .tflite to stand in: these bytes do not carry the mark TFL3 at byte 4")
    try:
        return tflite.ModelT.InitFromObj(tflite.Model.GetRootAs(split_model(data)[0]))
    except DAMAGE as error:
        raise ModelError(f"the .tflite is damaged ({error}); {_REMEDY}") from error


def read_metadata(model: Any) -> Any:
    """The metadata that a model carries, empty ones where it has none.

    Raises ModelError where they are damaged, describe other tensors than the model has, or hold what the schema 1.5.0
    does not know and what would be lost.
    """
    entry = _entry(model)
    if entry is None:
        return schema.ModelMetadataT()
    data = model.buffers[entry.buffer].data
    if data is None or not len(data):
        return schema.ModelMetadataT()
    if len(data) > _MAX_METADATA_BYTES:
        raise ModelError(f"the model's metadata take {len(data)} bytes, over {_MAX_METADATA_BYTES}; {_REMEDY}")
    packed = bytes(data)
    if packed[4:8] != IDENTIFIER:
        raise ModelError(f"the model's metadata carry the mark {packed[4:8]!r}, not {IDENTIFIER!r}; {_REMEDY}")
    try:
        root = schema.ModelMetadata.GetRootAs(packed)
        _check_counts(root, model)
        metadata = schema.ModelMetadataT.InitFromObj(root)
    except DAMAGE as error:
        raise ModelError(f"the model's metadata are damaged ({error}); {_REMEDY}") from error
    _check_known(metadata)
    return metadata


def put_metadata(model: Any, metadata: Any) -> bytes:
    """The flatbuffer of the model with these metadata in place of older ones."""
    described = packed(metadata, IDENTIFIER, size_bytes=4096)
    buffer = tflite.BufferT()
    buffer.data = np.frombuffer(described, dtype=np.uint8)
    entry = _entry(model)
    if entry is None:
        entry = tflite.MetadataT()
        entry.name, entry.buffer = METADATA_NAME, len(model.buffers)
        model.metadata = [*(model.metadata or []), entry]
        model.buffers.append(buffer)
    else:
        model.buffers[entry.buffer] = buffer
    weights = sum(len(filled.data) for filled in model.buffers if filled.data is not None)
    return packed(model, b"TFL3", size_bytes=weights + 2**20)


def _entry(model: Any) -> Any:
    """The entry of the metadata or None. Raises ModelError where its buffer is not its own."""
    entries = [entry for entry in model.metadata or [] if entry.name == METADATA_NAME]
    if not entries:
        return None
    used = [tensor.buffer for graph in model.subgraphs for tensor in graph.tensors]
    used += [entry.buffer for entry in model.metadata]
    place = entries[0].buffer
    if len(entries) > 1 or not 0 < place < len(model.buffers) or used.count(place) > 1:
        raise ModelError(f"the model names its metadata twice or in a buffer that is not theirs ({place}); {_REMEDY}")
    return entries[0]


def _check_counts(root: Any, model: Any) -> None:
    """A list that is longer than the model has tensors is a lie, or takes for ever to unpack."""
    graphs = [root.SubgraphMetadata(place) for place in range(min(root.SubgraphMetadataLength(), MAX_ITEMS))]
    if root.SubgraphMetadataLength() > len(model.subgraphs):
        raise ModelError(
            f"the model's metadata describe {root.SubgraphMetadataLength()} graphs, it has {len(model.subgraphs)}; "
            f"{_REMEDY}"
        )
    for graph, real in zip(graphs, model.subgraphs, strict=False):
        for kind, found, there in (
            ("input", graph.InputTensorMetadataLength(), len(real.inputs)),
            ("output", graph.OutputTensorMetadataLength(), len(real.outputs)),
        ):
            if found not in (0, there):
                raise ModelError(f"the model's metadata describe {found} {kind} tensors, it has {there}; {_REMEDY}")
        tensors = [graph.InputTensorMetadata(place) for place in range(graph.InputTensorMetadataLength())]
        tensors += [graph.OutputTensorMetadata(place) for place in range(graph.OutputTensorMetadataLength())]
        for table in (root, graph, *tensors):
            longest = max(getattr(table, name)() for name in dir(table) if name.endswith("Length"))
            if longest > MAX_ITEMS:
                raise ModelError(f"the model's metadata hold a list of {longest} entries, over {MAX_ITEMS}; {_REMEDY}")


def _check_known(metadata: Any) -> None:
    version = (metadata.minParserVersion or b"").decode(errors="replace")
    # A union of a kind that the generated code does not know is read as nothing.
    lost = any(
        (isinstance(table, schema.ContentT) and table.contentPropertiesType and table.contentProperties is None)
        or (isinstance(table, schema.ProcessUnitT) and table.optionsType and table.options is None)
        for table in tables(metadata)
    )
    if lost or is_newer(version):
        raise ModelError(
            f"the model's metadata (for parsers from {version or '?'} on) hold what the schema "
            f"{'.'.join(map(str, NEWEST))} does not know, so rewriting would lose it; {_REMEDY}"
        )


class _Builder(flatbuffers.Builder):  # type: ignore[misc]
    """Aligns byte vectors as the schema of TensorFlow Lite wants weights; code generated for Python does not."""

    def CreateNumpyVector(self, x: np.ndarray[Any, Any]) -> Any:  # noqa: N802
        if x.dtype == np.uint8:
            self.Prep(_BUFFER_ALIGNMENT_BYTES, x.size)
        return super().CreateNumpyVector(x)


def packed(root: Any, identifier: bytes, *, size_bytes: int) -> bytes:
    """`root` as a flatbuffer; `size_bytes` is a first guess that saves copying."""
    builder = _Builder(size_bytes)
    builder.Finish(root.Pack(builder), identifier)
    return bytes(builder.Output())
