"""Whether all of a `.tflite` lies inside its bytes: for tflite-runtime, which trusts a file and is ended by a cut one.

LiteRT and TensorFlow verify a file themselves.
Source: tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""

from __future__ import annotations

from typing import TypeAlias

from edge_tagger.flatbuffer import Table

# Table -> number of a field -> the table it leads to, a list of these, or the bytes that an item of its list takes.
_Field: TypeAlias = "str | list[str] | int"
_FIELDS: dict[str, dict[int, _Field]] = {
    "Model": {
        1: ["OperatorCode"], 2: ["SubGraph"], 3: 1, 4: ["Buffer"], 5: 4, 6: ["Metadata"], 7: ["SignatureDef"],
    },
    "OperatorCode": {1: 1},
    "SubGraph": {0: ["Tensor"], 1: 4, 2: 4, 3: ["Operator"], 4: 1},
    "Tensor": {0: 4, 3: 1, 4: "QuantizationParameters", 7: 4},
    "QuantizationParameters": {0: 4, 1: 4, 2: 4, 3: 8},
    "Operator": {1: 4, 2: 4, 4: "Options", 5: 1, 7: 1, 8: 4},
    "Options": {},
    "ReshapeOptions": {0: 4},
    "SqueezeOptions": {0: 4},
    "Buffer": {0: 1},
    "Metadata": {0: 1},
    "SignatureDef": {0: ["TensorMap"], 1: ["TensorMap"], 2: 1},
    "TensorMap": {0: 1},
}  # fmt: skip
_OPTIONS_TYPE = 3  # of Operator: which table the options are
_WITH_LISTS = {17: "ReshapeOptions", 30: "SqueezeOptions"}


def check_root(data: bytes) -> None:
    """Raises ValueError where there is no graph in the file: LiteRT 2.3.0 takes it for granted, and crashes."""
    if not Table.root(data).tables(2):  # Model.subgraphs
        raise ValueError("it holds no graph")


def check_structure(data: bytes) -> None:
    """Raises ValueError where a table, list or text of the model leads out of it."""
    left: list[tuple[str, Table]] = [("Model", Table.root(data))]
    while left:
        name, table = left.pop()
        table.check()
        for field, kind in _FIELDS[name].items():
            if isinstance(kind, int):
                table.items(field, kind)
            elif isinstance(kind, list):
                left += [(kind[0], item) for item in table.tables(field)]
            elif (found := table.table(field)) is not None:
                left.append((_options(table) if kind == "Options" else kind, found))


def _options(operator: Table) -> str:
    return _WITH_LISTS.get(operator.integer(_OPTIONS_TYPE, "B"), "Options")
