from __future__ import annotations

import gc
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge_tagger.errors import ModelError
from edge_tagger.interpreter import Model

RED = np.full((8, 8, 3), (255, 0, 0), np.uint8)


def _compiled(source: Path, library: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return library


@pytest.fixture(scope="module")
def delegate(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real one, in C."""
    return _compiled(data / "delegate.c", tmp_path_factory.mktemp("delegate") / "delegate.so")


def test_a_delegate_gets_the_graph_and_the_rest_still_runs(delegate: Path, data: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    model = Model(data / "tiny-uint8.tflite", threads=1, delegate=delegate, delegate_options={"log": str(log)})
    assert model.delegate == str(delegate)
    assert log.read_text() == "options 1\noperators 5\n"
    plain = Model(data / "tiny-uint8.tflite", threads=1)
    assert plain.delegate is None
    np.testing.assert_array_equal(model.scores(RED), plain.scores(RED))
    assert model.activation == "sigmoid"
    del model
    gc.collect()
    assert log.read_text().endswith("destroyed 1\n")


def test_a_delegate_in_this_folder_needs_no_slash(delegate: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(delegate.parent)
    assert Model(data / "tiny-uint8.tflite", delegate="delegate.so").delegate == "delegate.so"


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("refuse", r"delegate\.so does not start: no such device; is its hardware there"),
        ("fail", r"tiny-uint8\.tflite does not run with its delegate \(.*\); leave the delegate out"),
    ],
)
def test_a_delegate_that_does_not_work(option: str, reason: str, delegate: Path, data: Path) -> None:
    with pytest.raises(ModelError, match=reason) as raised:
        Model(data / "tiny-uint8.tflite", delegate=delegate, delegate_options={option: "1"})
    assert len(str(raised.value).splitlines()) == 1


def test_what_is_no_delegate(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.c").write_text("int nothing;\n")
    (tmp_path / "text.so").write_text("no library at all")
    model = data / "tiny-uint8.tflite"
    with pytest.raises(ModelError, match="has no tflite_plugin_create_delegate"):
        Model(model, delegate=_compiled(tmp_path / "empty.c", tmp_path / "empty.so"))
    for other in (tmp_path / "none.so", tmp_path / "text.so", tmp_path, "libnone.so.1", "nul\0.so"):
        with pytest.raises(ModelError, match="cannot be loaded"):
            Model(model, delegate=other)
    gc.collect()
    assert capfd.readouterr().err == ""


def test_options_are_for_a_delegate(data: Path) -> None:
    with pytest.raises(ValueError, match="delegate_options"):
        Model(data / "tiny-uint8.tflite", delegate_options={"device": "usb"})


def test_a_model_for_the_edge_tpu_asks_for_its_delegate(data: Path) -> None:
    with pytest.raises(ModelError, match=r"compiled for the Edge TPU; name its delegate, libedgetpu\.so\.1"):
        Model(data / "edgetpu-uint8.tflite")
