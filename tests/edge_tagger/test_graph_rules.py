"""Graphs that no runtime is given: what crashes LiteRT 2.3.0, what never ends, what takes all memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger import rehearsal
from edge_tagger.errors import ModelError
from edge_tagger.graph_rules import check_file
from edge_tagger.interpreter import Model, read_contents

flatbuffers = pytest.importorskip("flatbuffers")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

SEEDS = Path(__file__).resolve().parents[1] / "fuzz" / "seeds"
PLAIN = ("conv-float32", "conv-uint8")
APART = ("graph-attention", "graph-branch", "graph-computed", "graph-gru", "graph-loop", "graph-lstm")


def tables_of(seed: str) -> Any:
    return schema.ModelT.InitFromPackedBuf(bytearray((SEEDS / f"{seed}.tflite").read_bytes()))


def packed(tables: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(tables.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operator(tables: Any, name: str, graph: int = 0) -> Any:
    code = getattr(schema.BuiltinOperator, name)
    found = (
        each for each in tables.subgraphs[graph].operators if tables.operatorCodes[each.opcodeIndex].builtinCode == code
    )
    return next(found)


def recoded(tables: Any, name: str, code: str, custom: bytes | None = None) -> None:
    """The operators called `name` become others."""
    for each in tables.operatorCodes:
        if each.builtinCode == getattr(schema.BuiltinOperator, name):
            each.builtinCode = getattr(schema.BuiltinOperator, code)
            each.deprecatedBuiltinCode, each.customCode = min(each.builtinCode, 127), custom


def typed(name: str) -> Callable[[Any], None]:
    def damage(tables: Any) -> None:
        tables.subgraphs[0].tensors[operator(tables, "SOFTMAX").outputs[0]].type = getattr(schema.TensorType, name)

    return damage


def condition_of_photo(tables: Any) -> None:
    """The loop goes on while the photo, not the counter, is below the limit."""
    compare = operator(tables, "LESS", 1)
    compare.inputs = [tables.subgraphs[1].inputs[1], compare.inputs[1]]


def counter_of_photo(tables: Any) -> None:
    loop = operator(tables, "WHILE")
    loop.inputs = [loop.inputs[1], *loop.inputs[1:]]


def size_of_photo(tables: Any) -> None:
    tile = operator(tables, "TILE")
    tile.inputs = [tile.inputs[0], tables.subgraphs[0].inputs[0]]


def circle(tables: Any) -> None:
    """The body of the loop holds the loop."""
    graph, loop = tables.subgraphs[2], operator(tables, "WHILE")
    again = schema.OperatorT()
    again.opcodeIndex, again.builtinOptionsType, again.builtinOptions = (
        loop.opcodeIndex, loop.builtinOptionsType, loop.builtinOptions
    )  # fmt: skip
    again.inputs, again.outputs = list(graph.inputs), list(graph.outputs)
    graph.operators.append(again)


def set_in(path: str, value: Any) -> Callable[[Any], None]:
    def damage(tables: Any) -> None:
        *way, last = path.split(".")
        thing = tables
        for part in way:
            thing = thing[int(part)] if part.isdigit() else getattr(thing, part)
        setattr(thing, last, value)

    return damage


@pytest.mark.parametrize(
    ("seed", "damage", "reason"),
    [
        ("graph-attention", typed("VARIANT"), "type variant"),
        ("graph-attention", typed("RESOURCE"), "type resource"),
        ("graph-attention", typed("STRING"), "type string"),
        ("conv-uint8", set_in("subgraphs.0.tensors.5.isVariable", True), "is variable"),
        ("conv-uint8", set_in("subgraphs.0.tensors.3.buffer", 10_000), "names buffer 10000"),
        ("graph-loop", set_in("subgraphs.2.operators.0.outputs", [99]), "graph 2 has an output 99"),
        ("graph-loop", set_in("subgraphs.1.operators.0.inputs", [0, 99]), "graph 1 has an input 99"),
        ("graph-loop", set_in("subgraphs.2.operators.1.opcodeIndex", 77), "names operator code 77"),
        ("graph-loop", set_in("subgraphs.1.outputs", [0, 3]), "gives 2 outputs, not 1"),
        ("graph-loop", set_in("subgraphs.2.inputs", [0]), "takes 1 inputs, not 2"),
        ("graph-loop", set_in("subgraphs.2.tensors.3.shape", np.array([2**20, 2**20], np.int32)), "512 MiB"),
        ("graph-loop", circle, "graph 2 runs itself"),
        ("graph-loop", condition_of_photo, "how often one of its loops runs depends on the photo"),
        ("graph-loop", counter_of_photo, "how often one of its loops runs depends on the photo"),
        ("graph-computed", size_of_photo, "the size of one of its tensors depends on the photo"),
        ("graph-branch", set_in("subgraphs.1.outputs", []), "gives 0 outputs"),
        ("graph-attention", lambda tables: recoded(tables, "SOFTMAX", "CUSTOM", b"Mfcc"), "Mfcc, lacks its options"),
        ("graph-attention", lambda tables: recoded(tables, "SOFTMAX", "CALL_ONCE"), "does not say which graph"),
        ("graph-attention", lambda tables: recoded(tables, "SOFTMAX", "HASHTABLE"), "is HASHTABLE"),
    ],
)  # fmt: skip
def test_refused_before_a_runtime_sees_it(seed: str, damage: Callable[[Any], None], reason: str) -> None:
    tables = tables_of(seed)
    damage(tables)
    for look in (Model, read_contents):
        with pytest.raises(ModelError, match=reason):
            look(packed(tables))


def test_what_classifiers_are_made_of_is_taken() -> None:
    """Branches, loops, recurrent layers, attention and computed sizes are run apart first; convolutions are not."""
    for seed in PLAIN + APART:
        data = (SEEDS / f"{seed}.tflite").read_bytes()
        assert check_file(data) == (seed in PLAIN), seed
    photo = np.zeros((16, 16, 3), np.uint8)
    for seed in ("graph-gru", "graph-computed"):
        assert Model((SEEDS / f"{seed}.tflite").read_bytes()).scores(photo).shape == (6,)


def test_packaged_models_are_plain() -> None:
    models = Path(rehearsal.__file__).parent / "models"
    for path in models.glob("*.tflite"):
        assert check_file(path.read_bytes())


def endless(tables: Any) -> None:
    """The counter stays where it is, for every photo."""
    tables.subgraphs[2].outputs = [tables.subgraphs[2].inputs[0], *tables.subgraphs[2].outputs[1:]]


def test_a_loop_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "TIME_LIMIT_S", 3.0)
    tables = tables_of("graph-loop")
    endless(tables)
    for look in (Model, read_contents):
        with pytest.raises(ModelError, match="it may never end"):
            look(packed(tables))


def greedy(tables: Any) -> None:
    """A constant says how often a row is repeated: 1.6 GB from some bytes."""
    tile = operator(tables, "TILE")
    times = tables.subgraphs[0].tensors[tile.inputs[1]]
    tables.buffers[times.buffer].data = np.array([1, 25_000_000], np.int32).view(np.uint8)


def test_memory_is_limited() -> None:
    tables = tables_of("graph-computed")
    greedy(tables)
    with pytest.raises(ModelError, match=r"ended the process|cannot run on"):
        Model(packed(tables))


def test_a_crash_is_told_and_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "_SCRIPT", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(ModelError, match="SIGSEGV"):
        Model((SEEDS / "graph-attention.tflite").read_bytes())


def test_the_rehearsal_needs_no_path_of_its_own(tmp_path: Path) -> None:
    """From any folder, and where the package was found by a path that only the parent has."""
    script = (
        f"import sys; sys.path.insert(0, {str(Path(rehearsal.__file__).parents[1])!r})\n"
        f"from edge_tagger.interpreter import Model; Model({str(SEEDS / 'graph-lstm.tflite')!r})"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)
