"""Imports run one way: train -> convert -> edge_tagger, benchmarks -> edge_tagger; only the command line composes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DEVICE, CONVERT, TRAIN = "edge_tagger", "edge_tagger.convert", "edge_tagger.train"
BENCHMARKS, CLI = "edge_tagger.benchmarks", "edge_tagger.cli"
MAY_IMPORT = {
    DEVICE: {DEVICE},
    CONVERT: {DEVICE, CONVERT},
    TRAIN: {DEVICE, CONVERT, TRAIN},
    BENCHMARKS: {DEVICE, BENCHMARKS},
    CLI: {DEVICE, CONVERT, TRAIN, BENCHMARKS, CLI},
}
RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime", "tensorflow.lite")
TENSORFLOW = ("tensorflow", "tf_keras", "keras", "tensorflow_model_optimization")


def layer(module: str) -> str:
    return next((name for name in (CONVERT, TRAIN, BENCHMARKS, CLI) if is_in(module, name)), DEVICE)


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def imports(path: Path, *, at_import: bool = False) -> Iterator[str]:
    """Full names that a file imports; `at_import` leaves out function bodies and `if TYPE_CHECKING`."""
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: import by full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if at_import and (isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or _is_for_types(node)):
            continue
        todo.extend(ast.iter_child_nodes(node))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def test_layers_import_one_way(modules: dict[str, Path]) -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules.items()
        for name in imports(path)
        if is_in(name, "edge_tagger") and layer(name) not in MAY_IMPORT[layer(module)]
    ]
    assert wrong == []


def test_the_command_line_loads_the_other_layers_inside_its_functions(modules: dict[str, Path]) -> None:
    heavy = ("numpy", "cv2", "jinja2", "matplotlib", CONVERT, TRAIN, BENCHMARKS, *TENSORFLOW, *RUNTIMES)
    wrong = [
        f"{module} imports {name} when it is loaded"
        for module, path in modules.items()
        if layer(module) == CLI
        for name in imports(path, at_import=True)
        if any(is_in(name, package) for package in heavy)
    ]
    assert wrong == []


def test_one_module_knows_the_runtimes(modules: dict[str, Path]) -> None:
    knowing = {
        module
        for module, path in modules.items()
        if layer(module) in (DEVICE, BENCHMARKS, CLI)
        for name in imports(path)
        if any(is_in(name, runtime) for runtime in RUNTIMES)
    }
    assert knowing == {"edge_tagger.runtimes"}


def test_the_device_never_imports_tensorflow(modules: dict[str, Path]) -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in modules.items()
        if layer(module) in (DEVICE, BENCHMARKS)
        for name in imports(path)
        if any(is_in(name, package) for package in TENSORFLOW) and not is_in(name, "tensorflow.lite")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "everywhere", "at_import"),
    [
        ("import numpy as np\n", {"numpy"}, {"numpy"}),
        ("def f():\n    from edge_tagger.train import recipe\n", {"edge_tagger.train.recipe"}, set()),
        ("if TYPE_CHECKING:\n    import cv2\n", {"cv2"}, set()),
        ("class A:\n    import cv2\n", {"cv2"}, {"cv2"}),
        ("try:\n    import cv2\nexcept ImportError:\n    pass\n", {"cv2"}, {"cv2"}),
    ],
)
def test_imports_are_found(tmp_path: Path, source: str, everywhere: set[str], at_import: set[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert set(imports(path)) == everywhere
    assert set(imports(path, at_import=True)) == at_import
