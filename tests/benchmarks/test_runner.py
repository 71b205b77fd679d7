from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.benchmarks.devices.device import find_device, read_answer, worker_arguments
from edge_tagger.benchmarks.plan import Plan
from edge_tagger.benchmarks.runner import run
from edge_tagger.errors import DeviceError, ModelError, OutputError

DATA = Path(__file__).resolve().parents[1] / "data"
TINY = DATA / "tiny-uint8.tflite"
FLOAT = DATA / "tiny-float32.tflite"


MEASURED = {
    "init_ms": 3.0,
    "first_ms": 9.0,
    "samples_ms": [1.0, 2.0, 6.0],
    "memory": {"baseline_bytes": 10, "peak_bytes": None},
    "runtime": {"name": "fake", "version": "1"},
    "machine": {"cpu": "none", "cores": 1, "os": "none", "arch": "none", "python": "3"},
}


class FakeDevice:
    """Answers `document` without measuring; breaks on the model named `breaks_on`."""

    name = "fake"

    def __init__(self, *, document: dict[str, Any] = MEASURED, breaks_on: Path | None = None) -> None:
        self.document, self.breaks_on = document, breaks_on
        self.plans: list[Plan] = []

    def measure(self, model: Path, plan: Plan) -> dict[str, Any]:
        self.plans.append(plan)
        if model == self.breaks_on:
            raise ModelError(f"{model} cannot be measured")
        return self.document


def test_the_json_has_raw_samples_and_context(tmp_path: Path) -> None:
    device = FakeDevice()
    path = tmp_path / "bench.json"
    (result,) = run([TINY], device=device, threads=2, num_runs=3, warmup_runs=0, json_path=path)
    assert device.plans == [Plan(threads=2, num_runs=3, warmup_runs=0)]
    assert result.images_per_s == pytest.approx(1000 / 3)
    document = json.loads(path.read_text())
    assert document["format"] == 1
    (written,) = document["results"]
    assert written.pop("date").endswith("+00:00")
    assert written == {
        "model": {
            "path": str(TINY),
            "sha256": hashlib.sha256(TINY.read_bytes()).hexdigest(),
            "size_bytes": TINY.stat().st_size,
        },
        "device": "fake",
        "threads": 2,
        "num_runs": 3,
        "warmup_runs": 0,
        "seed": 0,
        "init_ms": 3.0,
        "first_ms": 9.0,
        "samples_ms": [1.0, 2.0, 6.0],
        "summary": {
            "min_ms": 1.0,
            "p50_ms": 2.0,
            "p90_ms": pytest.approx(5.2),
            "p95_ms": pytest.approx(5.6),
            "p99_ms": pytest.approx(5.92),
            "mean_ms": 3.0,
            "stddev_ms": pytest.approx(7**0.5),
        },
        "images_per_s": pytest.approx(1000 / 3),
        "memory": {"baseline_bytes": 10, "peak_bytes": None},
        "runtime": {"name": "fake", "version": "1"},
        "machine": {"cpu": "none", "cores": 1, "os": "none", "arch": "none", "python": "3"},
    }


def test_what_was_measured_before_an_error_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    with pytest.raises(ModelError, match="cannot be measured"):
        run([TINY, FLOAT], device=FakeDevice(breaks_on=FLOAT), json_path=path)
    assert [result["model"]["path"] for result in json.loads(path.read_text())["results"]] == [str(TINY)]


def test_what_can_be_known_before_is_said_before(tmp_path: Path) -> None:
    device = FakeDevice()
    with pytest.raises(ModelError, match="nope"):
        run([TINY, tmp_path / "nope.tflite"], device=device)
    with pytest.raises(OutputError, match="folder does not exist"):
        run([TINY], device=device, json_path=tmp_path / "nope" / "bench.json")
    assert device.plans == []


def test_a_worker_of_another_version_is_the_device_s_fault() -> None:
    with pytest.raises(DeviceError, match="first_ms"):
        run([TINY], device=FakeDevice(document={"init_ms": 1.0}))


def test_local_measures() -> None:
    (result,) = run([TINY], num_runs=4, warmup_runs=1)
    assert len(result.samples_ms) == 4
    assert result.device == "local" and result.runtime["name"]
    assert result.peak_memory_bytes is not None and result.baseline_memory_bytes is not None
    assert result.peak_memory_bytes >= result.baseline_memory_bytes


@pytest.mark.parametrize("name", ["ssh://pi@raspberry:22", "adb", "moon"])
def test_an_unknown_device_is_told_which_there_are(name: str) -> None:
    with pytest.raises(DeviceError, match="--device local"):
        find_device(name)


def test_the_plan_reaches_the_worker() -> None:
    plan = Plan(threads=3, num_runs=4, warmup_runs=5, seed=6)
    assert worker_arguments(plan) == ["--threads=3", "--warmup-runs=5", "--num-runs=4", "--seed=6"]


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "error", "message"),
    [
        (1, '{"error": {"kind": "model", "message": "bad"}}', "", ModelError, r"\(bad\)"),
        (1, '{"error": {"kind": "device", "message": "no runtime"}}', "", DeviceError, "no runtime"),
        (-9, "", "", DeviceError, "SIGKILL, out of memory"),
        (-11, "", "noise", DeviceError, "SIGSEGV"),
        (127, "", "sh: 1: python: not found\n", DeviceError, "exit code 127.*python: not found"),
        (0, "[1]", "", DeviceError, "no result"),
    ],
)
def test_workers_that_give_no_result(code: int, stdout: str, stderr: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_answer(TINY, "there", code=code, stdout=stdout, stderr=stderr)


def test_noise_before_the_document_is_passed_over() -> None:
    assert read_answer(TINY, "there", code=0, stdout='INFO: hello\n{"init_ms": 1}\n', stderr="") == {"init_ms": 1}


def test_a_python_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(DeviceError, match="Permission denied"):
        run([TINY])
