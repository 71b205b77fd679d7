from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_tagger.benchmarks import worker

DATA = Path(__file__).resolve().parents[1] / "data"


def test_it_runs_alone_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """Without edge_tagger: what a device over ssh has."""
    script = tmp_path / "worker.py"
    shutil.copy(worker.__file__, script)
    blocked = f"""
import runpy, sys
class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] in ("edge_tagger", "tensorflow", "cv2"):
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
runpy.run_path({str(script)!r}, run_name="__main__")
"""
    ended = subprocess.run(
        [sys.executable, "-c", blocked, str(DATA / "tiny-uint8.tflite"), "--num-runs=7", "--warmup-runs=0"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    document = json.loads(ended.stdout.splitlines()[-1])
    assert list(document) == ["init_ms", "first_ms", "samples_ms", "memory", "runtime", "machine"]
    assert len(document["samples_ms"]) == 7
    assert all(time_ms > 0 for time_ms in (document["init_ms"], document["first_ms"], *document["samples_ms"]))
    memory = document["memory"]
    assert 5e6 < memory["baseline_bytes"] <= memory["peak_bytes"] < 2e9
    assert list(document["machine"]) == ["cpu", "cores", "os", "arch", "python"]
    assert document["runtime"]["version"]


@pytest.mark.parametrize("name", ["tiny-float32.tflite", "bare-int8.tflite", "two-inputs.tflite"])
def test_any_inputs(name: str) -> None:
    found = worker.measure(str(DATA / name), threads=2, warmup_runs=1, num_runs=3, seed=0)
    assert len(found["samples_ms"]) == 3


@pytest.mark.parametrize(("dtype", "low", "high"), [("uint8", 0, 255), ("int8", -128, 127), ("float32", 0, 255)])
def test_pixels_fill_the_range_of_their_type_and_the_seed_decides(dtype: str, low: int, high: int) -> None:
    first = worker.random_input(np.random.default_rng(1), (1, 64, 64, 3), dtype)
    again = worker.random_input(np.random.default_rng(1), (1, 64, 64, 3), dtype)
    other = worker.random_input(np.random.default_rng(2), (1, 64, 64, 3), dtype)
    assert first.dtype == dtype and first.shape == (1, 64, 64, 3)
    assert low <= first.min() < low + 1 and high - 1 < first.max() <= high
    assert (first == again).all() and (first != other).any()


def test_types_that_hold_no_pixels_get_zeros() -> None:
    given = worker.random_input(np.random.default_rng(1), (2, 3), "int32")
    assert given.dtype == np.int32 and not given.any()


def test_a_damaged_model_is_an_error_document(tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    whole = (DATA / "bare-int8.tflite").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    ended = subprocess.run([sys.executable, worker.__file__, str(cut)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["error"]["kind"] == "model"
    assert "Traceback" not in ended.stderr


def test_no_runtime_is_the_device_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RUNTIMES", (("not_installed_anywhere", "not-installed"),))
    with pytest.raises(worker.WorkerError, match="no TFLite runtime") as caught:
        worker.measure(str(DATA / "tiny-uint8.tflite"), threads=1, warmup_runs=0, num_runs=1, seed=0)
    assert caught.value.kind == "device"
