"""The graphs of a `.tflite`, read from its bytes before any runtime sees them.

LiteRT's own verifier shows only that tables lie within the file. Here every place that a table names is looked up, in
every graph. Source: tensorflow/compiler/mlir/lite/schema/schema.fbs; fields are named by their number in it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from edge_tagger.flatbuffer import Table

MAX_TENSORS = 2**16  # of one graph; large language models have some thousands
CUSTOM, IF, WHILE, CALL, CALL_ONCE = 32, 118, 119, 31, 129
_CALLED = {IF: (92, (0, 1)), WHILE: (93, (0, 1)), CALL: (16, (0,)), CALL_ONCE: (103, (0,))}  # options' type, fields
_NEWER_OPTIONS = 12  # of Operator: those of StableHLO's operators
_ITEM_BYTES = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 8: 8, 9: 1, 10: 8, 12: 8, 15: 4, 16: 2, 18: 2}


@dataclass(frozen=True)
class FileTensor:
    """`dtype` is the schema's number of the type; `constant` says that the file holds its values."""

    shape: tuple[int, ...]
    dtype: int
    constant: bool
    variable: bool

    @property
    def size_bytes(self) -> int:
        """Free sizes (-1) count as 1."""
        size = _ITEM_BYTES.get(self.dtype, 1)
        for side in self.shape:
            size *= max(side, 1) if side else 0
        return size


@dataclass(frozen=True)
class FileOperator:
    """`code` is the number of the builtin operator; `custom` the name of one that is none. `inputs` and `outputs` are
    places among the graph's tensors, -1 for an input that is left out. `calls` are the graphs that it runs."""

    code: int
    custom: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[int, ...]
    options_type: int
    options: Table | None
    has_custom_options: bool
    has_newer_options: bool

    @property
    def reads(self) -> tuple[int, ...]:
        """Its inputs without those that are left out."""
        return tuple(place for place in self.inputs if place >= 0)


@dataclass(frozen=True)
class FileGraph:
    """One subgraph; `operators` are in the order in which they run."""

    tensors: tuple[FileTensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[FileOperator, ...]


def read_graphs(data: bytes) -> tuple[FileGraph, ...]:
    """All graphs of a `.tflite`; the first is the one that runs. Raises ValueError where a table leads out of the file,
    or names a tensor, buffer, operator or graph that is not there."""
    model = Table.root(data)
    codes = [_code(table) for table in model.tables(1)]
    buffers = [_has_values(table) for table in model.tables(4)]
    found = model.tables(2)
    if not found:
        raise ValueError("it holds no graph")
    graphs = tuple(_graph(number, table, codes, buffers, len(found)) for number, table in enumerate(found))
    for signature in model.tables(7):
        _check_signature(signature, graphs)
    return graphs


def _graph(
    number: int, table: Table, codes: Sequence[tuple[int, str]], buffers: Sequence[bool], graphs: int
) -> FileGraph:
    where = f"its graph {number}"
    tensors = tuple(_tensor(each, place, where, buffers) for place, each in enumerate(table.tables(0)))
    operators = []
    for place, each in enumerate(table.tables(3)):
        operators.append(_operator(each, f"operator {place} of {where}", codes, len(tensors), graphs))
    return FileGraph(
        tensors,
        _places(table, 1, len(tensors), f"{where} has an input"),
        _places(table, 2, len(tensors), f"{where} has an output"),
        tuple(operators),
    )


def _tensor(table: Table, place: int, where: str, buffers: Sequence[bool]) -> FileTensor:
    buffer = table.integer(2, "I")
    if buffer >= len(buffers):
        raise ValueError(f"tensor {place} of {where} names buffer {buffer} of {len(buffers)}")
    return FileTensor(
        shape=_integers(table, 0),
        dtype=table.integer(1, "B"),
        constant=buffers[buffer],
        variable=bool(table.integer(5, "B")),
    )


def _operator(table: Table, where: str, codes: Sequence[tuple[int, str]], tensors: int, graphs: int) -> FileOperator:
    opcode = table.integer(0, "I")
    if opcode >= len(codes):
        raise ValueError(f"{where} names operator code {opcode} of {len(codes)}")
    code, custom = codes[opcode]
    options_type, options = table.integer(3, "B"), table.table(4)
    calls: tuple[int, ...] = ()
    if code in _CALLED:
        expected, fields = _CALLED[code]
        if options is None or options_type != expected:
            raise ValueError(f"{where} does not say which graph it runs")
        calls = tuple(options.integer(field, "i") for field in fields)
        if wrong := [call for call in calls if not 0 < call < graphs]:  # the first graph is run by none
            raise ValueError(f"{where} runs graph {wrong[0]} of {graphs}")
    return FileOperator(
        code=code,
        custom=custom,
        inputs=_places(table, 1, tensors, f"{where} has an input", least=-1),
        outputs=_places(table, 2, tensors, f"{where} has an output"),
        calls=calls,
        options_type=options_type,
        options=options,
        has_custom_options=bool(len(table.content(5))) or bool(table.integer(10, "Q")),
        has_newer_options=table.table(_NEWER_OPTIONS) is not None,
    )


def _code(table: Table) -> tuple[int, str]:
    """The older field of the two ends at 127."""
    code = max(table.integer(3, "i"), table.integer(0, "b"))
    return code, table.content(1).decode("utf-8", "replace") if code == CUSTOM else ""


def _has_values(table: Table) -> bool:
    """In its place, or behind the flatbuffer where the file is larger than 2 GB."""
    values = table.items(0, 1)
    return values.stop > values.start or table.integer(1, "Q") > 1


def _check_signature(table: Table, graphs: Sequence[FileGraph]) -> None:
    number = table.integer(4, "I")
    if number >= len(graphs):
        raise ValueError(f"its signature names graph {number} of {len(graphs)}")
    for side in (0, 1):
        for entry in table.tables(side):
            if entry.integer(1, "I") >= len(graphs[number].tensors):
                raise ValueError(f"its signature names tensor {entry.integer(1, 'I')}, which graph {number} lacks")


def _places(table: Table, field: int, count: int, what: str, least: int = 0) -> tuple[int, ...]:
    places = _integers(table, field)
    if wrong := [place for place in places if not least <= place < count]:
        raise ValueError(f"{what} {wrong[0]} of {count} tensors")
    return places


def _integers(table: Table, field: int) -> tuple[int, ...]:
    found = table.items(field, 4)
    count = (found.stop - found.start) // 4
    if count > MAX_TENSORS:
        raise ValueError(f"it has a list of {count} items")
    return struct.unpack_from(f"<{count}i", table.data, found.start)
