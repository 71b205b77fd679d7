from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_tagger.benchmarks.device_bench import Job, rotated
from edge_tagger.benchmarks.devices.fake import FakeDevice, Fault
from edge_tagger.benchmarks.devices.remote import RemoteSession
from edge_tagger.benchmarks.devices.session import Device, Ended
from edge_tagger.benchmarks.plan import Plan, make_plan
from edge_tagger.benchmarks.results import Failure, Report
from edge_tagger.benchmarks.results_file import read_report
from edge_tagger.benchmarks.runner import run
from edge_tagger.errors import DeviceError, ModelError, OutputError
from edge_tagger.progress import Progress

DATA = Path(__file__).resolve().parents[1] / "data"
TINY, FLOAT, BARE = (DATA / name for name in ("tiny-uint8.tflite", "tiny-float32.tflite", "bare-int8.tflite"))
PLAN = replace(make_plan(num_runs=4, warmup_runs=1), rounds=2)


def bench(*devices: Device, models: tuple[Path, ...] = (TINY, FLOAT), **options: Any) -> Report:
    job = Job(plan=PLAN, threads=options.pop("threads", (1,)))
    return run(models, job, devices=devices, **options)


def models_of(requests: list[dict[str, Any]]) -> list[tuple[str, int]]:
    names = {hashlib.sha256(path.read_bytes()).hexdigest()[:16]: path.stem for path in (TINY, FLOAT, BARE)}
    return [(names[request["model"].removesuffix(".tflite")], request["threads"]) for request in requests]


def test_each_cell_is_measured_in_every_round_and_all_is_kept(worker: Any, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    report = bench(FakeDevice(answer=worker), threads=(1, 2), json_path=path)
    assert [(Path(r.path).name, r.threads, len(r.rounds)) for r in report.results] == [
        ("tiny-uint8.tflite", 1, 2), ("tiny-uint8.tflite", 2, 2), ("tiny-float32.tflite", 1, 2),
        ("tiny-float32.tflite", 2, 2),
    ]  # fmt: skip
    first = report.results[0]
    assert first.samples_ms == (1.0, 2.0, 1.0, 2.0) and first.memory_bytes == 20
    assert (first.init_ms, first.first_ms, first.summary.p50_ms, first.images_per_s) == (3, 9, 1.5, 1000 / 1.5)
    assert first.temperatures_c == (40.0, 47.0) and first.throttled is False  # 40 at first, 1 more after each call
    assert read_report(path) == report
    assert (report.device("fake").facts.model, report.device("fake").load) == ("Fake 1", 0.1)


def test_rounds_start_with_another_cell_each() -> None:
    assert [rotated("abcd", place, 2) for place in range(2)] == [list("abcd"), list("cdab")]
    assert [rotated("abc", place, 3)[0] for place in range(3)] == ["a", "b", "c"]
    assert rotated([], 1, 2) == []


def test_cells_are_interleaved(worker: Any) -> None:
    bench(FakeDevice(answer=worker), threads=(1, 2))
    tiny, other = "tiny-uint8", "tiny-float32"
    assert models_of(worker.requests) == [
        (tiny, 1), (tiny, 2), (other, 1), (other, 2), (other, 1), (other, 2), (tiny, 1), (tiny, 2),
    ]  # fmt: skip


def test_the_plan_reaches_the_worker(worker: Any) -> None:
    run([TINY], Job(plan=Plan(num_runs=5, rounds=2, seed=7), delegate="libx.so"), devices=[FakeDevice(answer=worker)])
    first, second = worker.requests
    assert (first["num_runs"], second["num_runs"]) == (3, 2)
    assert first["min_duration_s"] == 1.5 and first["max_warmup_s"] == 3.0 and first["seed"] == 7
    assert (first["backend"], first["delegate"], first["photos"]) == ("auto", "libx.so", None)


def test_what_was_measured_before_ctrl_c_is_kept_and_resume_measures_the_rest(worker: Any, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"

    def interrupt(_: object) -> bool:
        if len(worker.requests) == 4:
            raise KeyboardInterrupt
        return False

    worker.killed = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench(FakeDevice(answer=worker), json_path=path)
    assert [len(result.rounds) for result in read_report(path).results] == [1, 2]
    worker.killed = lambda _: False
    report = bench(FakeDevice(answer=worker), json_path=path, resume=True)
    assert models_of(worker.requests[4:]) == [("tiny-uint8", 1)]
    assert [len(result.rounds) for result in report.results] == [2, 2]
    bench(FakeDevice(answer=worker), json_path=path, resume=True, models=(TINY, FLOAT, BARE))
    assert models_of(worker.requests[5:]) == [("bare-int8", 1)] * 2


def test_no_bytecode_is_written_beside_the_device_s_own_packages(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []
    run_there = RemoteSession.run

    def spy(session: RemoteSession, words: Sequence[str], **rest: Any) -> Ended:
        seen.append(session.env.get("PYTHONDONTWRITEBYTECODE"))
        return run_there(session, words, **rest)

    monkeypatch.setattr(RemoteSession, "run", spy)
    bench(FakeDevice(answer=worker), models=(TINY,))
    assert set(seen) == {"1"}


def test_what_is_being_done_is_shown_and_how_far_it_is(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[int, str]] = []
    monkeypatch.setattr(Progress, "update", lambda _, steps=1, now="": shown.append((steps, now)))
    bench(FakeDevice(answer=worker), models=(TINY,))
    assert shown[:3] == [(0, "tiny-uint8.tflite, threads: 1"), (0, "tiny-uint8.tflite, threads: 1, 1 runs"), (1, "")]
    shown.clear()
    bench(FakeDevice(fault=Fault.GARBAGE), models=(TINY,))
    assert [now for _, now in shown] == ["tiny-uint8.tflite, threads: 1", ""], "noise is not shown"


def test_resume_refuses_another_plan_and_what_is_no_report(worker: Any, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    bench(FakeDevice(answer=worker), json_path=path)
    with pytest.raises(OutputError, match="another plan"):
        run([TINY], Job(plan=replace(PLAN, seed=1)), devices=[FakeDevice(answer=worker)], json_path=path, resume=True)
    path.write_text('{"format": 1}')
    with pytest.raises(OutputError, match="format 1"):
        bench(FakeDevice(answer=worker), json_path=path, resume=True)
    assert len(worker.requests) == 4


def test_resume_without_a_file_starts_one(worker: Any, tmp_path: Path) -> None:
    assert bench(FakeDevice(answer=worker), json_path=tmp_path / "new.json", resume=True).results


@pytest.mark.parametrize("fault", list(Fault))
def test_a_device_that_fails_is_one_clear_line_and_the_others_go_on(
    fault: Fault, worker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("disk", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "here"))
    broken = FakeDevice(name="broken", fault=fault, root=tmp_path / "disk", answer=worker)
    told: list[Failure] = []
    report = bench(broken, FakeDevice(name="good", answer=worker), tell=told.append, json_path=tmp_path / "b.json")
    assert [len(result.rounds) for result in report.results if result.device == "good"] == [2, 2]
    assert told == report.failures and told and {failure.device for failure in told} == {"broken"}
    assert all(failure.exit_code == 9 and "\n" not in failure.message for failure in told)
    assert all("broken" in failure.message or "are attached" in failure.message or "trust" in failure.message
               for failure in told), told  # fmt: skip
    assert list((tmp_path / "disk").iterdir()) == [] and list((tmp_path / "here").iterdir()) == []
    with pytest.raises(DeviceError):
        report.check()


def test_a_model_whose_worker_is_killed_is_told_and_the_others_go_on(worker: Any) -> None:
    worker.killed = lambda request: request["model"].startswith(hashlib.sha256(TINY.read_bytes()).hexdigest()[:16])
    report = bench(FakeDevice(answer=worker))
    assert [Path(result.path) for result in report.results] == [FLOAT]
    (failure,) = report.failures  # once, though there are two rounds
    assert "tiny-uint8.tflite on fake" in failure.message and "SIGKILL, out of memory?): Killed" in failure.message
    assert (failure.model, failure.threads, failure.exit_code) == (str(TINY), 1, 9)


@pytest.mark.parametrize(
    ("kind", "message", "exit_code"),
    [("model", "cannot be measured on fake .*cut off", 5), ("runtime", "--provision", 9), ("device", "fake: why", 9)],
)
def test_errors_of_the_worker(kind: str, message: str, exit_code: int, worker: Any) -> None:
    worker.error = {"kind": kind, "message": "why"}
    report = bench(FakeDevice(answer=worker), models=(TINY,))
    (failure,) = report.failures
    assert failure.exit_code == exit_code
    with pytest.raises(ModelError if exit_code == 5 else DeviceError, match=message):
        report.check()


def test_a_worker_of_another_version_is_the_device_s_fault(worker: Any) -> None:
    worker.changed = {"memory": None}
    (failure,) = bench(FakeDevice(answer=worker)).failures
    assert "cannot be read" in failure.message and failure.model is None


def test_what_can_be_known_before_is_said_before(worker: Any, tmp_path: Path) -> None:
    device = FakeDevice(answer=worker)
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(TINY.read_bytes())
    with pytest.raises(ModelError, match="nope"):
        bench(device, models=(TINY, tmp_path / "nope.tflite"))
    with pytest.raises(ModelError, match="are the same model"):
        bench(device, models=(TINY, copy))
    with pytest.raises(OutputError, match="folder does not exist"):
        bench(device, json_path=tmp_path / "nope" / "bench.json")
    with pytest.raises(DeviceError, match="named twice"):
        bench(device, device)
    with pytest.raises(DeviceError, match="there is no device 'moon'"):
        run([TINY], devices=["moon"])
    assert worker.requests == []


def test_a_device_without_python_needs_the_binary() -> None:
    (failure,) = bench(FakeDevice(python=None)).failures
    assert "no Python 3.9 or later" in failure.message and "--benchmark-binary: https://" in failure.message


@pytest.mark.parametrize("threads", [(), (0,), (1, 1)])
def test_a_job_checks_its_threads(threads: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="different numbers"):
        Job(threads=threads)


def test_local_measures() -> None:
    report = run([TINY], Job(plan=PLAN))
    report.check()
    (result,) = report.results
    assert len(result.samples_ms) == 4 and result.device == "local" and result.delegate == "XNNPACK"
    assert result.memory_bytes is not None and result.memory_bytes >= 0
    assert result.rounds[0].overhead_us is not None and result.rounds[0].overhead_us < 20
    assert json.dumps(dict(result.machine))
