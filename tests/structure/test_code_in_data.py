"""Nothing that is read becomes code: no pickles, no evaluation, and models are loaded where they are looked through."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "runpy", "torch"}
LOADING = {"load_model", "load_weights", "model_from_json", "model_from_config", "from_saved_model"}
PLACES = {"convert/keras_file.py", "convert/foreign.py", "convert/verify.py", "convert/lite.py"}


def found_in(path: Path) -> Iterator[str]:
    place = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        yield from (f"{place} imports {name}" for name in names if name.split(".")[0] in MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in ("eval", "exec", "compile", "__import__"):
            yield f"{place}:{node.lineno} calls {called}"
        if any(each.arg == "allow_pickle" and ast.unparse(each.value) != "False" for each in node.keywords):
            yield f"{place}:{node.lineno} allows pickles"
        loads = called.split(".")[-1] in LOADING or called.endswith("saved_model.load")
        if loads and place not in PLACES:
            yield f"{place}:{node.lineno} calls {called}; load it by way of {', '.join(sorted(PLACES))}"


def test_nothing_that_is_read_becomes_code() -> None:
    files = [path for top in ("edge_tagger", "train", "convert", "benchmarks") for path in (ROOT / top).rglob("*.py")]
    assert len(files) > 100
    assert [each for path in files for each in found_in(path)] == []
