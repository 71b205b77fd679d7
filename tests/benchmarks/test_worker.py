from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_tagger import taxonomy
from edge_tagger.benchmarks import profile_worker, split_worker, worker

DATA = Path(__file__).resolve().parents[1] / "data"
SCRIPTS = [Path(module.__file__ or "") for module in (worker, profile_worker, split_worker, taxonomy)]
REQUEST = {
    "mode": "measure", "model": str(DATA / "tiny-uint8.tflite"), "threads": 1, "backend": "auto", "delegate": None,
    "codes": None, "photos": None, "num_runs": 7, "min_duration_s": 0.0, "warmup_runs": 0, "max_warmup_s": 0.0,
    "window": 5, "tolerance": 0.03, "seed": 0,
}  # fmt: skip


def work(folder: Path, script: Path = SCRIPTS[0], **changed: Any) -> tuple[dict[str, Any], str]:
    """The document and standard error of a worker that runs as on a device: alone, without edge_tagger."""
    for path in SCRIPTS:
        shutil.copy(path, folder)
    (folder / "request.json").write_text(json.dumps({**REQUEST, **changed}))
    blocked = f"""
import runpy, sys
class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] in ("edge_tagger", "tensorflow"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, {str(folder)!r})
sys.argv = ["worker.py", "request.json", "document.json"]
runpy.run_path({str(folder / script.name)!r}, run_name="__main__")
"""
    ended = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False, cwd=folder)
    document: dict[str, Any] = json.loads((folder / "document.json").read_text())
    assert ended.returncode == ("error" in document), ended.stderr
    return document, ended.stderr


def test_it_runs_alone_in_a_folder_of_its_own(tmp_path: Path) -> None:
    document, _ = work(tmp_path)
    assert len(document["samples_ns"]) == 7 and document["every"] == 1 and document["warmup_ns"] == []
    assert all(time > 0 for time in (document["init_ms"], document["first_ms"], *document["samples_ns"]))
    assert document["stable"] is None and document["threads"] == 1
    assert list(document["machine"]) == ["cpu", "cores", "os", "arch", "python"]
    assert document["runtime"]["version"] and document["delegate"] == "XNNPACK"
    memory = document["memory"]
    assert 5e6 < memory["baseline_bytes"] <= memory["peak_bytes"] < 2e9


def test_reading_the_clock_costs_less_than_20_us_a_sample(tmp_path: Path) -> None:
    assert 0 < work(tmp_path)[0]["overhead_us"] < 20


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_oldest_python_of_devices_reads_it(script: Path) -> None:
    ast.parse(script.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize(
    "name", ["tiny-float32.tflite", "bare-int8.tflite", "two-inputs.tflite", "two-heads-uint8.tflite"]
)
def test_any_inputs(name: str) -> None:
    found = worker.measure({**REQUEST, "model": str(DATA / name), "threads": 2, "num_runs": 3})
    assert len(found["samples_ns"]) == 3 and found["threads"] == 2


@pytest.mark.parametrize(
    ("name", "codes", "dtype"),
    [("bare-int8.tflite", np.arange(-128, 128), "int8"), ("tiny-uint8.tflite", np.arange(256), "uint8")],
)
def test_photos_reach_the_model_as_its_codes(name: str, codes: Any, dtype: str, tmp_path: Path) -> None:
    photos = np.zeros((2, 8, 8, 3), np.uint8)
    photos[0, :, :, 0], photos[1, :, :, 2] = 255, 255  # red, blue
    np.save(tmp_path / "photos.npy", photos)
    request = {"mode": "scores", "photos": "photos.npy", "scores": "s.npz", "codes": codes.tolist()}
    document, _ = work(tmp_path, model=str(DATA / name), **request)
    assert document["photos"] == 2
    with np.load(tmp_path / "s.npz") as file:
        stored = file["0"]
    red, blue = 4, 1  # colour/Warm/Red and colour/Cool/Blue of tests/data/make_models.py
    assert stored.shape == (2, 8) and stored.dtype == dtype
    assert stored[0, red] > stored[0, blue] and stored[1, blue] > stored[1, red]


def test_every_output_comes_back(tmp_path: Path) -> None:
    np.save(tmp_path / "photos.npy", np.full((3, 8, 8, 3), 200, np.uint8))
    work(
        tmp_path, mode="scores", model=str(DATA / "two-heads-uint8.tflite"), photos="photos.npy", scores="s.npz",
        codes=list(range(256)),
    )  # fmt: skip
    with np.load(tmp_path / "s.npz") as stored:
        assert sorted(stored) == ["0", "1"] and all(len(stored[name]) == 3 for name in stored)


def test_warm_up_ends_when_it_is_stable_and_not_before_its_least_runs() -> None:
    clock = iter([50, 40, 30, 20, 12, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11])
    request = {"max_warmup_s": 60.0, "warmup_runs": 3, "window": 3, "tolerance": 0.03}
    assert worker.is_stable([11, 11, 11, 11, 11, 11], 3, 0.03)
    assert not worker.is_stable([12, 12, 12, 11, 11, 11], 3, 0.03)
    assert not worker.is_stable([11, 11, 11], 3, 0.03)
    runs: list[int] = []

    def fake(*_: object, least: int, **__: object) -> tuple[list[int], int]:
        runs.append(least)
        return [next(clock) for _ in range(least)], 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "timed_runs", fake)
        samples, stable = worker.warm_up(lambda: None, lambda _: None, request)
    assert stable is True and samples[-6:] == [12, 11, 11, 11, 11, 11] and runs[0] == 3
    assert worker.warm_up(lambda: None, lambda _: None, {**request, "max_warmup_s": 1e-9, "window": 500})[1] is False
    assert worker.warm_up(lambda: None, lambda _: None, {**request, "max_warmup_s": 0})[1] is None
    assert worker.warm_up(lambda: None, lambda _: None, {**request, "max_warmup_s": 0, "warmup_runs": 0}) == ([], None)


def test_of_very_many_runs_every_kth_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_SAMPLES", 100)
    turns: list[int] = []
    samples, every = worker.timed_runs(lambda: None, turns.append, least=1000)
    assert len(turns) == 1000 and 50 <= len(samples) <= 101
    assert every > 1 and every & (every - 1) == 0 and len(samples) == -(-1000 // every)


def test_runs_go_on_until_the_time_is_over_too() -> None:
    turns: list[int] = []
    worker.timed_runs(lambda: None, turns.append, least=1, seconds=0.05)
    assert len(turns) > 100


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
    whole = (DATA / "bare-int8.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(whole[: len(whole) // 2])
    document, stderr = work(tmp_path, model="cut.tflite")
    assert document["error"]["kind"] == "model" and "Traceback" not in stderr


@pytest.mark.parametrize("backend", ["auto", "tflite-runtime"])
def test_no_runtime_is_the_device_s_fault(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RUNTIMES", dict.fromkeys(worker.RUNTIMES, "not_installed_anywhere"))
    with pytest.raises(worker.WorkerError, match="installed there") as caught:
        worker.find_runtime(backend)
    assert caught.value.kind == "runtime"


def test_a_delegate_that_is_not_there_is_told(tmp_path: Path) -> None:
    document, _ = work(tmp_path, delegate="libnothing.so")
    assert document["error"]["kind"] == "model" and "libnothing" in document["error"]["message"]


def test_operators_of_one_run_sum_up(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    document, _ = work(tmp_path, SCRIPTS[1], mode="profile", num_runs=3)
    if document.get("error", {}).get("kind") == "unavailable":
        pytest.skip(document["error"]["message"])
    operators = document["operators"]
    assert sum(operator["share"] for operator in operators) == pytest.approx(1, abs=0.01) or not any(
        operator["mean_ms"] for operator in operators
    )
    assert any("Fully Connected" in operator["type"] for operator in operators)
    assert all(operator["count"] >= 1 for operator in operators)


def test_a_profiler_of_another_release_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setattr(profile_worker, "LAST_RELEASE", (0, 0, 0))
    with pytest.raises(profile_worker.worker.WorkerError, match="C interface") as caught:
        profile_worker.Library()
    assert caught.value.kind == "unavailable"
