from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_tagger import runtimes
from edge_tagger.errors import MissingExtraError
from edge_tagger.interpreter import Model, read_contents, runtime_name

PACKAGES = {"ai-edge-litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime", "tensorflow": "tensorflow"}
RED = np.full((8, 8, 3), (255, 0, 0), np.uint8)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """What is installed is looked up once a process."""
    runtimes._load.cache_clear()
    yield
    runtimes._load.cache_clear()


def without(monkeypatch: pytest.MonkeyPatch, *backends: str) -> None:
    for backend in backends:
        for module in [name for name in sys.modules if name.split(".")[0] == PACKAGES[backend]]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, PACKAGES[backend], None)


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, backend: str, interpreter: str) -> None:
    """A package of that name, with this source of its module `interpreter`."""
    package = folder / PACKAGES[backend]
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '2.14.0'\n")
    (package / "interpreter.py").write_text(interpreter)
    without(monkeypatch, backend)
    monkeypatch.delitem(sys.modules, PACKAGES[backend])
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize("backend", PACKAGES)
def test_a_backend_can_be_forced(backend: str, data: Path) -> None:
    """Those that are installed; the others are told."""
    try:
        runtime = runtimes.find_runtime(backend)
    except MissingExtraError as error:
        assert f"the backend {backend} is" in str(error) and f"pip install {backend}" in str(error)
        return
    assert str(runtime) == f"{backend} {runtime.version}" and runtime.version[0].isdigit()
    model = Model(data / "tiny-uint8.tflite", backend=backend, threads=1)
    assert model.runtime == str(runtime) == runtime_name(backend)
    np.testing.assert_array_equal(model.scores(RED), Model(data / "tiny-uint8.tflite", threads=1).scores(RED))
    assert model.activation == "sigmoid"
    assert read_contents(data / "tiny-uint8.tflite", backend=backend).operators[0] == ("QUANTIZE", 2)


def test_auto_takes_the_first_that_is_there() -> None:
    found = []
    for backend in runtimes.BACKENDS:
        try:
            found.append(str(runtimes.find_runtime(backend)))
        except MissingExtraError:
            continue
    assert runtime_name() == found[0]


def test_an_unknown_backend_lists_the_choices(data: Path) -> None:
    with pytest.raises(ValueError, match="'onnx'; give auto, ai-edge-litert, tflite-runtime, tensorflow"):
        Model(data / "tiny-uint8.tflite", backend="onnx")


def test_no_runtime_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, *PACKAGES)
    with pytest.raises(MissingExtraError, match="tensorflow is not installed; pip install ai-edge-litert") as raised:
        runtime_name()
    assert str(raised.value).count("is not installed") == 3


def test_auto_goes_on_from_a_broken_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without(monkeypatch, "tflite-runtime", "tensorflow")
    broken = "raise ImportError('libLiteRt.so: cannot open shared object file\\nand much more')\n"
    installed(monkeypatch, tmp_path / "broken", "ai-edge-litert", broken)
    reason = r"ai-edge-litert is broken \(libLiteRt\.so: cannot open shared object file\)"
    with pytest.raises(MissingExtraError, match=rf"{reason}, tflite-runtime is not installed, ") as raised:
        runtime_name()
    assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(MissingExtraError, match=rf"{reason}; pip install ai-edge-litert, or choose another"):
        runtime_name("ai-edge-litert")
    runtimes._load.cache_clear()
    monkeypatch.delitem(sys.modules, "tflite_runtime")
    monkeypatch.setattr(np, "__version__", "1.26.4")
    installed(monkeypatch, tmp_path / "works", "tflite-runtime", "class Interpreter: ...\n")
    assert runtime_name() == "tflite-runtime 2.14.0"


def test_what_a_runtime_needs_is_not_the_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch, tmp_path, "tflite-runtime", "import a_package_that_is_not_there\n")
    with pytest.raises(MissingExtraError, match=r"tflite-runtime is broken \(No module named 'a_package_that"):
        runtime_name("tflite-runtime")


def test_tflite_runtime_needs_numpy_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(np, "__version__", "2.4.6")
    installed(monkeypatch, tmp_path, "tflite-runtime", "class Interpreter: ...\n")  # as 2.14: it can be imported
    with pytest.raises(MissingExtraError, match=r"built for numpy 1, and this is numpy 2\.4\.6.*'numpy<2'"):
        runtime_name("tflite-runtime")
