"""The lowest version of a metadata parser that understands all fields of given metadata.

The rules are those of GetMinimumMetadataParserVersion in mediapipe/tasks/cc/metadata/metadata_version.cc (for schema
1.5.0). It does not look at the vocabulary files of tokenizers; here they count too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from edge_tagger.convert import metadata_schema_generated as schema

NEWEST = (1, 5, 0)
_FIRST = (1, 0, 0)
_SUBGRAPH_FIELDS = {
    "inputProcessUnits": (1, 1, 0),
    "outputProcessUnits": (1, 1, 0),
    "inputTensorGroups": (1, 2, 0),
    "outputTensorGroups": (1, 2, 0),
    "customMetadata": (1, 5, 0),
}
_FILE_TYPES = {
    schema.AssociatedFileType.VOCABULARY: (1, 0, 1),
    schema.AssociatedFileType.SCANN_INDEX_FILE: (1, 4, 0),
}
_FILE_VERSION = (1, 4, 1)
_PROCESS_UNITS = {
    schema.ProcessUnitOptions.BertTokenizerOptions: (1, 1, 0),
    schema.ProcessUnitOptions.SentencePieceTokenizerOptions: (1, 1, 0),
    schema.ProcessUnitOptions.RegexTokenizerOptions: (1, 2, 1),
}
_CONTENTS = {schema.ContentProperties.AudioProperties: (1, 3, 0)}


def minimum_parser_version(metadata: schema.ModelMetadataT) -> str:
    """ "1.0.0" up to "1.5.0"."""
    return ".".join(map(str, max((_needed(table) for table in tables(metadata)), default=_FIRST)))


def is_newer(version: str) -> bool:
    """Whether metadata that ask for this parser may hold fields that the schema here does not know."""
    found = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", version)
    return found is not None and tuple(int(part or 0) for part in found.groups()) > NEWEST


def tables(value: Any) -> Iterator[Any]:
    """The table and all below it."""
    if isinstance(value, list):
        for item in value:
            yield from tables(item)
    elif hasattr(value, "Pack"):
        yield value
        for field in vars(value).values():
            yield from tables(field)


def _needed(table: Any) -> tuple[int, int, int]:
    if isinstance(table, schema.AssociatedFileT):
        by_type = _FILE_TYPES.get(table.type, _FIRST)
        return by_type if table.version is None else max(by_type, _FILE_VERSION)
    if isinstance(table, schema.ProcessUnitT):
        return _PROCESS_UNITS.get(table.optionsType, _FIRST)
    if isinstance(table, schema.ContentT):
        return _CONTENTS.get(table.contentPropertiesType, _FIRST)
    if isinstance(table, schema.SubGraphMetadataT):
        filled = (needed for name, needed in _SUBGRAPH_FIELDS.items() if getattr(table, name) is not None)
        return max(filled, default=_FIRST)
    return _FIRST
